# SPDX-License-Identifier: GPL-2.0
#
# Generate a table from the samples of the bench module.
#
#   awk -v mode=lines -f table.awk SAMPLES
#   awk -v mode=report -v unit=UNIT -v machine=FILE -f table.awk SAMPLES
#
# A line of SAMPLES has the workload, pairs, time of the host, and time of
# memalloc, for each repetition; see tests/bench/guest. "lines" prints a line
# for each workload as soon as it is complete, with progress on stderr. "report"
# prints Markdown.
#
# Host and memalloc were measured in turn, so repetition i of one side belongs
# to repetition i of the other. The figures of a workload are those of the
# repetition with the median ratio; the spread is the quartiles of the ratio.

BEGIN {
	FS = "\t"
	if (mode == "report")
		print_head()
}

# There may be several boots.
$1 == "workloads" {
	total += $2
	next
}

$1 == "failed" {
	finish()
	fail($2 " failed: not enough memory?")
	next
}

NF != 4 {
	fail("unexpected: " $0)
	next
}

$1 != name {
	finish()
	name = $1
}

{
	n++
	host[n] = $3 / $2
	ours[n] = $4 / $2
	ratio[n] = $4 / $3
}

END {
	finish()
	if (mode == "report")
		print_tail()
	if (!total)
		fail("no workload has such a name")
	exit failed
}

function fail(text)
{
	print "bench: " text >"/dev/stderr"
	failed = 1
}

function finish(    middle)
{
	if (!n)
		return
	sort_by_ratio()
	middle = int((n + 1) / 2)
	done++
	if (mode == "report")
		print_row(middle, int((n + 3) / 4), int((3 * n + 1) / 4))
	else
		print_line(middle)
	n = 0
}

# Insertion sort: there are only a few repetitions.
function sort_by_ratio(    i, j, r, h, o)
{
	for (i = 2; i <= n; i++) {
		r = ratio[i]; h = host[i]; o = ours[i]
		for (j = i - 1; j && ratio[j] > r; j--) {
			ratio[j + 1] = ratio[j]
			host[j + 1] = host[j]
			ours[j + 1] = ours[j]
		}
		ratio[j + 1] = r; host[j + 1] = h; ours[j + 1] = o
	}
}

function print_line(i)
{
	printf "%s\t%.1f\t%.1f\t%.3f\n", name, host[i], ours[i], ratio[i]
	fflush()
	printf "bench: %d of %d: %s\n", done, total, name >"/dev/stderr"
}

function print_head(    line)
{
	print "# memalloc and the host's allocators, " unit "\n"
	while ((getline line <machine) > 0)
		print "- " line
	print "\nRatio: memalloc / host, of the repetition with the median ratio; under 1, memalloc" \
	      "\nis ahead. Spread: the quartiles of the ratio over all repetitions.\n"
	print "| workload | host | memalloc | ratio | spread |"
	print "| --- | ---: | ---: | ---: | ---: |"
}

function print_row(i, first, third)
{
	printf "| %s | %.1f | %.1f | %.3f | %.3f-%.3f |\n", name, host[i], ours[i],
	       ratio[i], ratio[first], ratio[third]
	if (ratio[i] >= 1)
		behind = behind "\n- " name " (" sprintf("%.3f", ratio[i]) ")"
}

function print_tail()
{
	if (behind)
		print "\nBehind the host:\n" behind
	else
		print "\nBehind the host: none of " done "."
}
