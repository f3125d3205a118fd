# SPDX-License-Identifier: GPL-2.0
#
# Count locks in an emulator's log of all instructions.
#
#   awk -v workload=NAME -f symbols.awk -f locks.awk KALLSYMS LOG
#
# Prints, for each side and each function that takes a lock: workload, side,
# function and kind of lock, acquisitions per pair of an allocation and a free,
# instructions per pair while the lock is held. Prints "-" if no function takes
# a lock. __slab_free() takes none: it exchanges the free list of a slab
# atomically. It is listed with a hold time of zero.
#
# Only bodies (bench_patterns.h) that are completely in the log count. The first
# bodies of each side are skipped, because the caches are new. The most frequent
# instruction of a body is its loop, executed once per pair.

BEGIN {
	OFS = "\t"
	COLD = 2
	takes_lock = "^(_raw_(spin|read|write)_(try)?lock(_bh|_irq|_irqsave)?|mutex_(try)?lock)$"
	drops_lock = "^(_raw_(spin|read|write)_unlock(_bh|_irq|_irqrestore)?|mutex_unlock)$"
	is_atomic = "^__slab_free$"
}

reads_pc() {
	i = owner[pc]
	if (!(i in kind))
		kind[i] = kind_of(i)
	if (kind[i] == "end")
		end_body()
	else if (kind[i] ~ /^body/)
		in_body()
	else if (side)
		in_kernel()
	last = i
}

END {
	for (key in takes) {
		split(key, part, SUBSEP)
		n = pairs[part[1]]
		pairs_locked[part[1]] = 1
		if (n)
			printf("%s\t%s\t%s\t%.4f\t%.2f\n", workload, part[1], part[2],
			       takes[key] / n, held[key] / n) | "sort -k2,2 -k4,4gr"
	}
	for (name in pairs)
		if (!pairs_locked[name])
			print workload, name, "-", 0, 0
	for (name in pairs)
		printf "bench: %s: %d pairs on %s\n", workload, pairs[name], name >"/dev/stderr"
}

function kind_of(i)
{
	if (module[i] == "[memalloc_bench]") {
		if (symbol[i] ~ /_(open|close)$/)
			return "end"
		if (symbol[i] ~ /^(host|memalloc)_/)
			return "body of " (symbol[i] ~ /^host/ ? "host" : "memalloc")
		return symbol[i] == "bench_meet" ? "" : "end"
	}
	if (symbol[i] ~ takes_lock)
		return "take"
	if (symbol[i] ~ drops_lock)
		return "drop"
	return symbol[i] ~ is_atomic ? "atomic" : ""
}

function in_body()
{
	if (!side && pc == address[i]) {
		side = substr(kind[i], 9)
		depth = 0
	}
	if (side)
		loop[pc]++
}

function in_kernel(    enters, name)
{
	enters = pc == address[i] && last != i
	if (enters && kind[i] == "take") {
		name = symbol[i]
		sub(/^_raw_/, "", name)
		taker[++depth] = symbol[last] " " name
		taken[taker[depth]]++
	}
	if (enters && kind[i] == "atomic")
		taken[symbol[i]]++
	if (depth)
		spent[taker[depth]]++
	if (enters && kind[i] == "drop" && depth)
		depth--
}

function end_body(    key, most)
{
	if (!side)
		return
	for (key in loop)
		if (loop[key] > most)
			most = loop[key]
	if (++bodies[side] > COLD)
		add_body(most)
	clear(loop)
	clear(taken)
	clear(spent)
	side = ""
}

function add_body(n,    key)
{
	pairs[side] += n
	for (key in taken)
		takes[side, key] += taken[key]
	for (key in spent)
		held[side, key] += spent[key]
}

function clear(array,    key)
{
	for (key in array)
		delete array[key]
}
