# SPDX-License-Identifier: GPL-2.0
#
# Which function an instruction belongs to, for those who read the log of an
# emulator that logs each of them: awk -f symbols.awk -f ... KALLSYMS LOG

# Symbols of code: address, type, name, [module].
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

# Trace 0: 0x7f... [cs_base/pc/flags/cflags] symbol
# Sets cpu and pc, and owner[pc], a symbol; false for other lines.
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

# The value of the last eight digits: no function is larger.
function low_digits(hex,    i, value)
{
	hex = substr(hex, length(hex) - 7)
	for (i = 1; i <= length(hex); i++)
		value = value * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
	return value
}

# Addresses have the same number of digits, so they compare as words.
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
