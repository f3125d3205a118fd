# SPDX-License-Identifier: GPL-2.0
#
# Count instructions by function in an emulator's log of all instructions.
#
#   awk -v each=0|1 -f symbols.awk -f profile.awk KALLSYMS LOG
#
# See tests/bench/profile. All instructions between the start of a side's body
# (bench_patterns.h) and the return to bench_run.c count for that side. The most
# frequent instruction of a body is its loop, executed once per pair.

reads_pc() {
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
