# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Packages of any Debian suite, without touching this machine's package system.
#
# Sourced.  Lists and packages live under the directory given to archive_open;
# nothing is installed.  The archive's address is the one this machine's apt
# already uses, and everything is verified with Debian's own keys.

readonly ARCHIVE_KEYS=/usr/share/keyrings/debian-archive-keyring.gpg
readonly ARCHIVE_SINCE=$EPOCHSECONDS # lists of then, or later, are fresh

archive_address() { # LABEL: print the address of the archive with that label
	# shellcheck disable=SC2016 # the fields are apt's
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' \
		'Created-By: Packages' |
		awk -F'|' -v label="$1" '$1 == "Debian" && $2 == label { print $3; exit }'
}

archive_line() { # SUITE: print its line of sources.list; nothing if there is none
	local label=Debian address

	[[ $1 != *-security ]] || label=Debian-Security
	address=$(archive_address "$label")
	if [[ -n $address ]]; then
		echo "deb [arch=amd64 signed-by=$ARCHIVE_KEYS] $address $1 main"
	elif [[ $label == Debian ]]; then
		echo "vm: no Debian archive in apt's lists; run: apt-get update (as root)" >&2
		return 1
	fi
}

archive_apt() { # apt-get or apt-cache on the open suites
	local tool=$1
	shift
	"$tool" -q \
		-o Dir::Etc::sourcelist="$archive_dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State::lists="$archive_dir/lists" \
		-o Dir::Cache="$archive_dir/cache" \
		-o Acquire::Languages=none \
		-o Acquire::Retries=3 \
		-o Acquire::AllowInsecureRepositories=false \
		-o APT::Get::AllowUnauthenticated=false \
		-o APT::Sandbox::User=root \
		"$@"
}

archive_lines() { # SUITE...
	local suite

	for suite in "$@"; do
		archive_line "$suite" || return 1
	done
}

archive_is_fresh() { # LINES of sources.list
	[[ -e $archive_dir/refreshed && $(stat -c %Y "$archive_dir/refreshed") -ge $ARCHIVE_SINCE &&
		$(<"$archive_dir/sources.list") == "$1" ]]
}

# Another run may have opened the same directory and read from it: fresh lists
# are not downloaded again, and no file is empty in the meantime.
archive_open() { # DIR SUITE...: refresh the lists of these suites
	local lines

	archive_dir=$1
	shift
	if [[ ! -r $ARCHIVE_KEYS ]]; then
		echo "vm: no $ARCHIVE_KEYS; run: tools/setup vm" >&2
		return 1
	fi
	mkdir -p "$archive_dir/lists/partial" "$archive_dir/cache"
	lines=$(archive_lines "$@") || return 1
	! archive_is_fresh "$lines" || return 0
	echo "$lines" >"$archive_dir/sources.list.new"
	mv "$archive_dir/sources.list.new" "$archive_dir/sources.list"
	archive_apt apt-get update >&2 && touch "$archive_dir/refreshed"
}

archive_depends() { # PACKAGE: print the names of its dependencies
	archive_apt apt-cache depends --no-recommends --no-suggests \
		--no-conflicts --no-breaks --no-replaces --no-enhances "$1" |
		awk '$1 == "Depends:" { print $2 }'
}

archive_version() { # PACKAGE: print its newest version; nothing if there is none
	archive_apt apt-cache policy "$1" | awk '$1 == "Candidate:" { print $2 }'
}

archive_pick() { # PATTERN...: print the newest package that matches the first possible glob
	local pattern name

	for pattern in "$@"; do
		name=$(archive_apt apt-cache pkgnames |
			awk -v want="$(glob_to_regex "$pattern")" '$0 ~ want' |
			sort -rV | head -n 1)
		if [[ -n $name ]]; then
			echo "$name"
			return
		fi
	done
	echo "vm: the archive has no package $*" >&2
	return 1
}

glob_to_regex() { # for package names: a dot is a dot, a star is anything except "-"
	sed 's/[.]/[.]/g; s/[*]/[^-]*/g; s/^/^/; s/$/$/' <<<"$1"
}

archive_unpack() { # DIR PACKAGE=VERSION...: download missing packages and unpack all
	local into=$1 package name debs
	shift

	mkdir -p "$archive_dir/debs" "$into"
	for package in "$@"; do
		name=$archive_dir/debs/$package
		if [[ ! -e $name/done ]]; then
			echo "vm: downloading $package" >&2
			rm -rf "$name"
			mkdir -p "$name"
			(cd "$name" && archive_apt apt-get download "$package") >&2
			touch "$name/done"
		fi
	done
	for package in "$@"; do
		echo "vm: unpacking $package" >&2
		debs=("$archive_dir/debs/$package"/*.deb)
		dpkg -x "${debs[0]}" "$into"
	done
}

archive_forget() { # PACKAGE=VERSION...: delete the downloads
	local package

	for package in "$@"; do
		rm -rf "$archive_dir/debs/$package"
	done
}
