# SPDX-License-Identifier: GPL-2.0
#
# Instructions by function, from the log of an emulator that logs each of them.
#
#   awk -v each=0|1 -f profile.awk KALLSYMS LOG
#
# See tests/bench/profile.  Whoever executes an instruction after a body of one side
# (bench_patterns.h) has begun works for that side, until bench_run.c is back.
# What a body executes most often is its loop, once for each pair.

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
match($0, /\[[0-9a-f]+\/[0-9a-f]+\//) {
	pc = substr($0, RSTART, RLENGTH)
	sub(/^\[[0-9a-f]+\//, "", pc)
	sub(/\/$/, "", pc)
	if (!(pc in owner))
		owner[pc] = find(pc)
	i = owner[pc]
	if (module[i] == "[memalloc_bench]") {
		if (symbol[i] ~ /_(open|close)$/)
			side = ""
		else if (symbol[i] ~ /^host_/)
			side = "host"
		else if (symbol[i] ~ /^memalloc_/)
			side = "memalloc"
		else
			side = ""
	}
	if (side == "")
		next
	count[side, pc]++
	sum[side, i]++
	if (module[i] == "[memalloc_bench]" && count[side, pc] > pairs[side])
		pairs[side] = count[side, pc]
}

END {
	print_side("host")
	print_side("memalloc")
}

function print_side(side,    key, part, command)
{
	if (!pairs[side])
		return
	print side
	fflush()
	command = each ? "sort -k2,2 -k3,3 -k4,4" : "sort -k1,1gr"
	if (each) {
		for (key in count) {
			split(key, part, SUBSEP)
			if (part[1] == side && count[key] / pairs[side] >= 0.01)
				print_instruction(count[key] / pairs[side], part[2],
						  owner[part[2]], command)
		}
	} else {
		for (key in sum) {
			split(key, part, SUBSEP)
			if (part[1] == side && sum[key] / pairs[side] >= 0.05)
				printf "%.1f\t%s\t%s\n", sum[key] / pairs[side],
				       symbol[part[2]], module[part[2]] | command
		}
	}
	close(command)
}

function print_instruction(times, pc, i, command)
{
	printf "%.3f\t%s\t%s\t0x%04x\n", times, module[i], symbol[i],
	       low_digits(pc) - low_digits(address[i]) | command
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
