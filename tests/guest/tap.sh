# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# In a guest, to be sourced: TAP, and fields of /proc/memalloc.

number=0 failed=0

say() { echo "# $*"; }

# Add a line to the table of figures that tests/check prints.
record() { # NAME VALUE
	say "figure: $1 $2"
}

check() { # NAME; the status of the command before decides
	local status=$? verdict=ok

	number=$((number + 1))
	if [ "$status" -ne 0 ]; then
		verdict="not ok"
		failed=$((failed + 1))
	fi
	echo "$verdict $number $1"
}

equal() { # ACTUAL EXPECTED
	[ "$1" = "$2" ] || { say "$1, and not $2"; return 1; }
}

finish() {
	echo "1..$number"
	exit $((failed > 0))
}

# Print a field of the section "borrowing", "percpu" or "reports".
figure() { # NAME
	awk -v name="$1" '$1 == name { print $2; exit }' /proc/memalloc
}

# Print a field of the zones of a node (or of all: "*"), summed.
zone_figure() { # NODE NAME
	awk -v node="$1" -v name="$2" '
		/^\[/ { within = $1 == "[zone" && (node == "*" || $2 == node) }
		within && $1 == name { sum += $2 }
		END { print sum + 0 }' /proc/memalloc
}

# Print a field with a value for each order, in pages.
zone_pages() { # NODE NAME
	awk -v node="$1" -v name="$2" '
		/^\[/ { within = $1 == "[zone" && (node == "*" || $2 == node) }
		within && $1 == name {
			for (i = size = 1; i < NF; size *= 2)
				sum += $++i * size
		}
		END { printf "%d\n", sum }' /proc/memalloc
}

# Print the number of misuse reports so far.
reports() {
	awk '/^\[/ { within = $1 == "[reports]" } within && NF == 2 { sum += $2 }
		END { print sum + 0 }' /proc/memalloc
}

# All structures are valid, all counters agree, no memory except the reserve can
# be returned to the host, and nothing is allocated.
nothing_is_lost() {
	memallocctl validate >/dev/null || { say "not valid"; return 1; }
	memallocctl shrink >/dev/null || { say "cannot shrink"; return 1; }
	equal "$(zone_pages '*' allocs)" "$(zone_pages '*' frees)" &&
		equal "$(figure borrowed)" "$(figure reserve)" &&
		equal $(($(figure borrowed_total) - $(figure returned_total))) "$(figure borrowed)" &&
		equal "$(zone_figure '*' pages)" "$(figure borrowed)" &&
		equal "$(figure free)" "$(figure borrowed)" &&
		equal "$(figure quarantined)" 0 && equal "$(reports)" 0
}
