# SPDX-License-Identifier: GPL-2.0
#
# Read the output of tests and print a line for each figure in it:
#
#	awk -f figures.awk LOG	->	NAME TAB VALUE
#
# A figure is a diagnostic, anywhere in a line:
#
#	# ... figure: NAME VALUE
#
# The value is the last word, a number. Values with the same name are added up.

/^ *#.*figure: ./ {
	sub(/\r$/, "")
	value = $NF
	sub(/.*figure: */, "")
	if (!sub(/ +[^ ]+$/, ""))
		next
	if (!($0 in values))
		names[++count] = $0
	values[$0] += value
}

END {
	for (i = 1; i <= count; i++)
		printf "%s\t%.0f\n", names[i], values[names[i]]
}
