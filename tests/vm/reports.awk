# SPDX-License-Identifier: GPL-2.0
#
# Judge a kernel log: print every line that reports a bug, and each expected
# report that is missing; print nothing if all is well.
#
#   awk -v expect=REGEX -v allow=REGEX -f reports.awk LOG
#
# A line that matches "allow" or "expect" is not a failure, nor are the lines of
# its splat (a trace after it); "expect" must match at least once.  A test can
# announce reports that it provokes by writing to /dev/kmsg
#
#   vm-expect: REGEX      ...until...      vm-expect end
#
# Regular expressions are awk's and match the line without its time stamp.
#
# A data race counts if one of the two racing functions belongs to memalloc, or
# is called by one that does: the kernel has many races of its own, and
# tolerates them.

BEGIN {
	# Lines that open a report.
	head = "BUG: |BUG [^ ]+ \\(|WARNING: |Oops|Kernel panic|Internal error: " \
	       "|general protection fault|Unable to handle kernel" \
	       "|Kernel mode fault|kernel BUG at|BUG: failure|double fault" \
	       "|UBSAN: |KASAN: |KFENCE: |ODEBUG: |refcount_t: " \
	       "|kmemleak: [0-9]+ new suspected|INFO: possible |INFO: suspicious" \
	       "|INFO: task .* blocked|INFO: trying to register|INFO: rcu" \
	       "|detected stalls? on|self-detected stall|soft lockup|hard LOCKUP" \
	       "|scheduling while atomic|list_(add|del) corruption" \
	       "|(possible|potential) .*(deadlock|recursi)|DEBUG_LOCKS_WARN_ON" \
	       "|Kernel memory (exposure|overwrite)|Bad page" \
	       "|unregister_netdevice: waiting|Object(s)? remaining|nobody cared" \
	       "|page allocation failure|Out of memory"
	# Lines of a report, which are reports themselves if they stand alone.
	tail = "Call Trace:|Modules linked in:|^RIP: "
	# A unit test in the kernel that failed.
	unit = "^ *not ok [0-9]+"
	within = 80
	open = -within
	met = expect == ""
}

{
	sub(/\r$/, "")
	sub(/^(<[0-9]+>)?\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? /, "")
}

/vm-expect: / {
	finish_span()
	span = $0
	sub(/.*vm-expect: /, "", span)
	span_met = 0
	next
}

/vm-expect end/ {
	finish_span()
	next
}

/^BUG: KCSAN: / {
	race = permitted($0) ? "" : NR ": " $0
	next
}

race != "" && / to 0x[0-9a-f]+ of [0-9]+ bytes by / {
	depth = 0
}

race != "" && /^ +[^ ]+\+0x/ && ++depth <= 2 && /\[memalloc/ {
	print race
	race = ""
}

race != "" && /^======/ {
	race = ""
}

permitted($0) {
	open = NR
	next
}

$0 ~ unit || $0 ~ head {
	open = NR
	print NR ": " $0
	next
}

$0 ~ tail && NR - open > within {
	open = NR
	print NR ": " $0
}

END {
	finish_span()
	if (!met)
		print "expected but missing: " expect
}

function permitted(line)
{
	if (expect != "" && line ~ expect)
		return met = 1
	if (span != "" && line ~ span)
		return span_met = 1
	return allow != "" && line ~ allow
}

function finish_span()
{
	if (span != "" && !span_met)
		print NR ": expected but missing: " span
	span = ""
}
