# SPDX-License-Identifier: GPL-2.0
#
# Model of many CPUs; see tests/bench/model.
#
#   awk -v mode=curve|demand|measured -v wanted=PATH -v transfer=NS -v insn=NS \
#       -f model.awk MODEL LOCKS TIMES
#
# MODEL is model.tsv; LOCKS and TIMES are tables of docs/bench/. Prints for each
# path:
#
#   "curve": path, CPUs, pairs per microsecond of the host and of memalloc.
#   "demand": path, side, time of a pair on one CPU (ns), cache lines that move,
#             those that move under locks, the busiest lock, its hold time (ns),
#             maximum of pairs per microsecond.
#   "measured": CPUs, pairs per microsecond of the host and of memalloc, for the
#             path wanted.

BEGIN {
	FS = OFS = "\t"
	nr_sides = split("host memalloc", sides, " ")
}

/^#/ || NF < 2 {
	next
}

$1 == "path" {
	paths[++nr_paths] = $2
	alone_as[$2] = $3
}

$1 == "data" {
	data[$2, $3] = $4
}

$1 == "lock" {
	lock[$2, $3] = $4
	lines[$2, $3] = $5
}

$1 == "count" {
	count($2, $3, $4, $5, $6)
}

FILENAME ~ /locks-/ {
	count($1, $2, $3, $4, $5)
}

FILENAME ~ /time-/ {
	ns[$1, "host"] = $2
	ns[$1, "memalloc"] = $3
}

END {
	for (i = 1; i <= nr_paths; i++)
		for (j = 1; j <= nr_sides; j++)
			tell(paths[i], sides[j])
	for (i = 1; mode == "curve" && i <= nr_paths; i++)
		for (cpus = paths[i] ~ /^remote/ ? 2 : 1; cpus <= 128 && known[paths[i]]; cpus *= 2)
			print paths[i], cpus, rate(paths[i], "host", cpus), rate(paths[i], "memalloc", cpus)
	if (mode == "measured")
		print_measured(wanted, alone_as[wanted], two_of(wanted))
}

# Returns the workload in which two CPUs take the path.
function two_of(path)
{
	sub(/^hot/, "par2", path)
	sub(/^bulk128/, "par2bulk128", path)
	sub(/^random/, "par2random", path)
	return path
}

# In "remote", two CPUs share a pair; otherwise, each performs its own.
function print_measured(path, one, two,    pairs)
{
	pairs = path ~ /^remote/ ? 1000 : 2000
	if (one != two && path !~ /^remote/ && (one, "host") in ns)
		print 1, 1000 / ns[one, "host"], 1000 / ns[one, "memalloc"]
	if ((two, "host") in ns)
		print 2, pairs / ns[two, "host"], pairs / ns[two, "memalloc"]
}

# The measured time includes a lock that only its own CPU takes.
function count(path, side, taker, takes, insns)
{
	counted[path, side] = 1
	if (taker == "-")
		return
	if (!((side, taker) in lock)) {
		printf "bench: model.tsv lists no lock for %s (%s)\n", taker, side >"/dev/stderr"
	} else if (lock[side, taker] != "own") {
		moved[path, side] += takes * lines[side, taker]
		under[path, side, lock[side, taker]] += takes * lines[side, taker]
		executed[path, side, lock[side, taker]] += insns
	}
}

function tell(path, side,    alone, longest)
{
	alone = ns[alone_as[path], side]
	if (!alone || !((path, side) in counted))
		return
	known[path] = 1
	if (mode != "demand")
		return
	longest = busiest(path, side, 1)
	print path, side, sprintf("%.0f", alone),
	      sprintf("%.3f", data[path, side] + moved[path, side]),
	      sprintf("%.3f", moved[path, side]),
	      longest ? worst[path, side] : "-", sprintf("%.2f", longest),
	      longest ? sprintf("%.1f", 1000 / longest) : "-"
}

# Returns pairs per microsecond: limited by the CPUs or by the busiest lock.
# Each CPU is equally likely to have written a line last.
function rate(path, side, cpus,    others, each, through)
{
	others = (cpus - 1) / cpus
	each = ns[alone_as[path], side] + (data[path, side] + moved[path, side]) * transfer * others
	through = 1000 * cpus / each
	each = busiest(path, side, others)
	if (cpus > 1 && each && through > 1000 / each)
		through = 1000 / each
	return sprintf(through < 10 ? "%.2f" : "%.0f", through)
}

# Returns the hold time of the busiest lock per pair; sets worst[].
function busiest(path, side, others,    key, part, each, most)
{
	for (key in under) {
		split(key, part, SUBSEP)
		if (part[1] != path || part[2] != side)
			continue
		each = under[key] * transfer * others + executed[key] * insn
		if (each > most) {
			most = each
			worst[path, side] = part[3]
		}
	}
	return most
}
