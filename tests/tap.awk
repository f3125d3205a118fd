# SPDX-License-Identifier: GPL-2.0
#
# Read TAP, or the kernel's KTAP with subtests, and print a line for each test
# without subtests:
#
#   awk [-v hung=1] -f tap.awk LOG
#
#	pass|fail|skip TAB NAME TAB REASON
#
# Several documents may follow each other. A document that does not match its
# plan, or has none, counts as a failure, and so does a test that fails although
# its subtests do not. Lines that are not TAP are ignored.
#
# If the tests hung, the one that was announced last has failed. A program of
# the selftests announces each test, KUnit each suite.

BEGIN {
	deepest = 0
}

function result(verdict, name, reason)
{
	print verdict "\t" name "\t" reason
	if (verdict == "fail")
		failed[depth]++
}

# End of the tests at this depth: compare their number with the plan.
function settle(name)
{
	if (depth in plan && seen[depth] + 0 != plan[depth])
		result("fail", name, seen[depth] + 0 " of " plan[depth] " tests ended")
	else if (depth in seen && !(depth in plan))
		result("fail", name, "no plan")
	delete plan[depth]
	delete seen[depth]
	delete failed[depth]
}

function begin(level)
{
	for (depth = deepest; depth >= level; depth--)
		settle(FILENAME)
	depth = level
}

{
	sub(/\r$/, "")
	line = $0
	for (depth = 0; sub(/^    /, "", line); )
		depth++
	if (depth > deepest)
		deepest = depth
}

line ~ /^# ( RUN  |Subtest: )/ {
	announced = line
	sub(/^# ( RUN +|Subtest: )/, "", announced)
	sub(/ \.\.\.$/, "", announced)
}

line ~ /^K?TAP version/ && depth == 0 {
	documents++
	begin(0)
}

line ~ /^1\.\.[0-9]+/ {
	plan[depth] = substr(line, 4) + 0
	if (sub(/^1\.\.0 # SKIP */, "", line))
		result("skip", FILENAME, line)
}

line ~ /^(not )?ok [0-9]+/ {
	ok = line ~ /^ok/
	sub(/^(not )?ok [0-9]+ *(- *)?/, "", line)
	name = line
	skip = sub(/ *# SKIP.*/, "", name)
	last = name
	if (depth == 0)
		announced = ""
	reason = line
	sub(/.*# SKIP */, "", reason)

	depth++
	inner = depth in plan || depth in seen
	inner_failed = failed[depth] + 0
	if (inner)
		settle(name)
	depth--
	seen[depth]++
	if (skip)
		result("skip", name, reason)
	else if (!inner)
		result(ok ? "pass" : "fail", name, "")
	else if (!ok && !inner_failed)
		result("fail", name, "no subtest failed")
	else if (inner_failed)
		failed[depth]++
}

END {
	if (hung)
		print "fail\t" (announced ? announced : FILENAME) "\thung " \
		      (last ? "after " last : "before the first result")
	begin(0)
	if (!documents)
		print "fail\t" FILENAME "\tno results"
}
