# SPDX-License-Identifier: GPL-2.0
#
# Map instructions of an emulator's log to functions, for use as awk -f
# symbols.awk -f ... KALLSYMS LOG

# Read symbols of code: address, type, name, [module].
FNR == NR {
	if ($2 ~ /^[tTwW]$/ && $1 !~ /^0+$/) {
		n++
		address[n] = $1
		symbol[n] = $3
		module[n] = NF > 3 ? $4 : "[kernel]"
	}
	next
}

!sorted {
	sort_symbols(1, n)
	sorted = 1
}

# Parse a line such as Trace 0: 0x7f... [cs_base/pc/flags/cflags] symbol
# Sets cpu, pc and owner[pc], a symbol. Returns false for other lines.
function reads_pc()
{
	if (!match($0, /\[[0-9a-f]+\/[0-9a-f]+\//))
		return 0
	pc = substr($0, RSTART, RLENGTH)
	sub(/^\[[0-9a-f]+\//, "", pc)
	sub(/\/$/, "", pc)
	if (!(pc in owner))
		owner[pc] = find(pc)
	cpu = $2
	return 1
}

# Returns the value of the last eight digits: no function is larger than that.
function low_digits(hex,    i, value)
{
	hex = substr(hex, length(hex) - 7)
	for (i = 1; i <= length(hex); i++)
		value = value * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
	return value
}

# Addresses have the same number of digits, so compare them as strings.
function find(pc,    low, high, middle)
{
	low = 1
	high = n
	while (low < high) {
		middle = int((low + high + 1) / 2)
		if (address[middle] "" <= pc "")
			low = middle
		else
			high = middle - 1
	}
	return low
}

function sort_symbols(first, last,    i, j, pivot)
{
	while (first < last) {
		pivot = address[int((first + last) / 2)] ""
		i = first
		j = last
		while (i <= j) {
			while (address[i] "" < pivot)
				i++
			while (address[j] "" > pivot)
				j--
			if (i <= j)
				swap_symbols(i++, j--)
		}
		sort_symbols(first, j)
		first = i
	}
}

function swap_symbols(i, j,    a, s, m)
{
	a = address[i]; s = symbol[i]; m = module[i]
	address[i] = address[j]; symbol[i] = symbol[j]; module[i] = module[j]
	address[j] = a; symbol[j] = s; module[j] = m
}
