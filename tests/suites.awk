# SPDX-License-Identifier: GPL-2.0
#
# Print the suites of a table with the options of their profiles:
#
#	awk -f suites.awk suites/profiles suites/usual
#
# Words are separated by single blanks. An unknown profile is an error.

/^(#|$)/ {
	next
}

# Replace each +PROFILE by its options.
function expand(options,    name)
{
	while (match(options, /(^| )\+[^ ]+/)) {
		name = substr(options, RSTART, RLENGTH)
		sub(/ ?\+/, "", name)
		if (!(name in profiles)) {
			print FILENAME ": no profile " name >"/dev/stderr"
			exit 1
		}
		options = substr(options, 1, RSTART - 1) " " profiles[name] \
			  substr(options, RSTART + RLENGTH)
	}
	return options
}

# A profile may name profiles above it.
FILENAME == ARGV[1] {
	name = $1
	sub(/^[^ ]+ +/, "")
	profiles[name] = expand($0)
	next
}

{
	kernel = $1 ~ /^[0-9]+$/ ? $3 : $2
	at = index($0, " -- ")
	options = expand(substr($0, 1, at))
	gsub(/\/KERNEL\//, "/" kernel "/", options)
	$0 = substr($0, at)
	for (i = 1; i <= NF; i++)
		if ($i == "selftests")
			$i = "/usr/lib/memalloc/selftests/run"
	$0 = options $0
	$1 = $1
	print
}
