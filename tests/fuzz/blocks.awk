# SPDX-License-Identifier: GPL-2.0
#
# List the basic blocks of a module that KCOV can report.
#
#   objdump -drwl --no-show-raw-insn -j .text MODULE.ko | awk -f blocks.awk
#
# Prints a line for each call of __sanitizer_cov_trace_pc: the offset in .text
# of the instruction after it, which KCOV reports, the function, and the source
# file. A call is direct, or uses a register or a stack slot with the address.
# The script tracks their contents in the order of the code, and along jumps.

BEGIN {
	traced = "__sanitizer_cov_trace_pc"
	lost = "^%(rax|rcx|rdx|rsi|rdi|r8|r9|r10|r11)$"
	narrow["eax"] = "rax"; narrow["ebx"] = "rbx"; narrow["ecx"] = "rcx"
	narrow["edx"] = "rdx"; narrow["esi"] = "rsi"; narrow["edi"] = "rdi"
	narrow["ebp"] = "rbp"; narrow["al"] = "rax"; narrow["bl"] = "rbx"
	narrow["cl"] = "rcx"; narrow["dl"] = "rdx"; narrow["sil"] = "rsi"
	narrow["dil"] = "rdi"; narrow["bpl"] = "rbp"; narrow["ax"] = "rax"
	narrow["bx"] = "rbx"; narrow["cx"] = "rcx"; narrow["dx"] = "rdx"
	narrow["si"] = "rsi"; narrow["di"] = "rdi"; narrow["bp"] = "rbp"
}

function whole(operand,  name)
{
	name = substr(operand, 2)
	if (name in narrow)
		return "%" narrow[name]
	sub(/[dwb]$/, "", name) # %r12d and so on
	return operand ~ /^%r[0-9]+[dwb]$/ ? "%" name : operand
}

# Convert the set of places that hold the address to a string and back.
function save(  place, set)
{
	set = " "
	for (place in holds)
		set = set place " "
	return set
}

function restore(set,  i, n, places)
{
	split("", holds)
	n = split(set, places, " ")
	for (i = 1; i <= n; i++)
		holds[places[i]] = 1
}

function call_ends(  place)
{
	for (place in holds)
		if (place ~ lost)
			delete holds[place]
}

# Process an instruction once all its relocations are known.
function carry_out(  n, operands, from, to)
{
	if (op == "")
		return
	n = split_operands(args, operands)
	from = n ? operands[1] : ""
	to = n ? operands[n] : ""
	if (op ~ /^call/) {
		sub(/^\*/, "", from)
		if (symbol == traced || from in holds)
			pending = 1
		call_ends()
	} else if (op ~ /^j/) {
		sub(/ .*/, "", from)
		if (!(from in reaches))
			reaches[from] = save()
		if (op ~ /^jmp/)
			split("", holds)
	} else if (op ~ /^ret/) {
		split("", holds)
	} else if (op ~ /^movabs/ && symbol == traced) {
		holds[to] = 1
	} else if (op ~ /^movq?$/ && (from in holds)) {
		holds[to] = 1
	} else if (op !~ /^(cmp|test|push|nop)/) {
		delete holds[whole(to)]
		delete holds[to]
	}
	op = symbol = ""
}

# Split at commas outside of parentheses.
function split_operands(text, operands,  i, c, depth, n)
{
	n = 1
	operands[1] = ""
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		depth += (c == "(") - (c == ")")
		if (c == "," && !depth)
			operands[++n] = ""
		else
			operands[n] = operands[n] c
	}
	return text == "" ? 0 : n
}

# Parse a line of nm: FILE.o:VALUE TYPE NAME
FILENAME != "-" {
	if ($2 == "t" || $2 == "T") {
		file = $1
		sub(/\.o:.*/, "", file)
		sub(/.*\//, "", file)
		source[$3] = file ".c"
	}
	next
}

/^[0-9a-f]+ <.*>:$/ {
	carry_out()
	function_name = substr($2, 2, length($2) - 3)
	split("", holds)
	split("", reaches)
	next
}

/^ +[0-9a-f]+:/ {
	carry_out()
	address = $1
	sub(/:$/, "", address)
	if (pending)
		print address, function_name, source[function_name]
	pending = 0
	if (address in reaches)
		restore(reaches[address])
	op = $2
	args = $3
	# The option -w puts a relocation on the line of its instruction.
	if (match($0, /R_X86_64_[0-9A-Z]+[ \t]+[^ \t]+/)) {
		symbol = substr($0, RSTART, RLENGTH)
		sub(/^[^ \t]+[ \t]+/, "", symbol)
		sub(/[-+]0x[0-9a-f]+$/, "", symbol)
	}
}

END {
	carry_out()
}
