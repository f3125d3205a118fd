# SPDX-License-Identifier: GPL-2.0
#
# Extract the series of a table for tests/bench/plot.
#
#   awk -v mode=kinds -f series.awk TABLE
#   awk -v mode=bars -v kind=KIND -f series.awk TABLE
#   awk -v mode=sweep -v kind=KIND -v pattern=PATTERN -f series.awk TABLE
#
# A line of TABLE has a workload, host, memalloc and ratio. A workload is named
# pattern/kind-size or pattern/kind-size-variant; all of memory/... are one
# kind. "kinds" lists the kinds, "bars" the rank from below and the ratio of
# each workload of a kind, "sweep" the figures by size in bytes.

BEGIN {
	FS = OFS = "\t"
}

NF != 4 || !($2 + 0) {
	next
}

{
	split($1, name, "/")
	split(name[2], part, "-")
	if (name[1] == "memory")
		part[1] = name[1]
}

mode == "kinds" && !seen[part[1]]++ {
	print part[1]
}

mode == "bars" && part[1] == kind {
	n++
	label[n] = $1
	ratio[n] = $4
}

mode == "sweep" && part[1] == kind && name[1] == pattern && part[3] != "const" {
	print bytes(kind, part[2]), $2, $3
}

END {
	for (i = 1; i <= n; i++)
		print n - i + 1, ratio[i], label[i]
}

# Sizes such as 64, 16k or 1m are bytes; those of pages are orders.
function bytes(kind, size)
{
	if (kind == "page")
		return 4096 * 2 ^ size
	if (size ~ /k$/)
		return size * 1024
	if (size ~ /m$/)
		return size * 1048576
	return size + 0
}
