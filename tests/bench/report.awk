# SPDX-License-Identifier: GPL-2.0
#
# Generate Markdown for the report from tables; see tests/bench/report.
#
#   awk -v mode=MODE -f report.awk FILE...
#
# MODE        FILE
# rows        TABLE              the whole table
# layer       TABLE TABLE        ratios by pattern, for -v kind=KIND
# behind      REASONS TABLE...   workloads slower than the host's, with reasons
# unexplained REASONS TABLE...   those without a reason
# demand      MODEL              demand, from tests/bench/model
# curve       MODEL              throughput, from tests/bench/model
# prediction  MODEL TABLE        the model and the measurements

BEGIN {
	FS = "\t"
	if (mode == "rows")
		head("workload|host|memalloc|ratio", "l|r|r|r")
	if (mode == "behind")
		head("table|workload|ratio|why|limit", "l|l|r|l|l")
	if (mode == "demand")
		head("path|side|alone, ns|lines|under locks|busiest lock|busy, ns|pairs/µs at most",
		     "l|l|r|r|r|l|r|r")
	if (mode == "prediction")
		head("workload|side|predicted, ns|measured, ns", "l|l|r|r")
}

FNR == 1 {
	file = FILENAME
	sub(/.*\//, "", file)
	sub(/\.tsv$/, "", file)
	files[++nr_files] = file
}

/^#/ {
	next
}

mode == "rows" || mode == "demand" {
	row($0)
}

mode == "layer" {
	split($1, name, "/")
	if (name[2] ~ "^" kind "(-|$)")
		note(name[1], file, $4, name[2])
}

(mode == "behind" || mode == "unexplained") && nr_files == 1 {
	glob[++nr_globs] = regex($1)
	reason[nr_globs] = $2
	limit[nr_globs] = $3
	next
}

(mode == "behind" || mode == "unexplained") && $4 > 1 {
	g = reason_of($1)
	if (mode == "behind")
		row(file "\t" $1 "\t" $4 "\t" reason[g] "\t" limit[g])
	else if (!g)
		print file ": " $1 " is behind the host (" $4 ") without a reason in docs/bench/reasons.tsv"
	behind++
}

mode == "curve" {
	if (!($1 in seen)) {
		seen[$1] = ++nr_paths
		path[nr_paths] = $1
	}
	at[$1, $2] = $3 " : " $4
}

mode == "prediction" && nr_files == 1 {
	# In "remote", two CPUs share a pair; otherwise, each performs its own.
	each = $1 ~ /^remote/ ? 1000 : 2000
	if ($2 == 2)
		predicted[$1] = sprintf("%.0f %.0f", each / $3, each / $4)
	next
}

mode == "prediction" && path_of($1) in predicted {
	split(predicted[path_of($1)], ns, " ")
	row($1 "\thost\t" ns[1] "\t" $2)
	row($1 "\tmemalloc\t" ns[2] "\t" $3)
}

END {
	if (mode == "layer")
		print_layer()
	if (mode == "curve")
		print_curve()
	if (mode == "behind" && !behind)
		print "| - | none | | | |"
}

# Map a workload of two CPUs to its path in the model.
function path_of(name)
{
	if (name ~ /^remote\// || sub(/^par2(random|bulk128)\//, substr(name, 5, index(name, "/") - 4), name) ||
	    sub(/^par2\//, "hot/", name))
		return name
	return ""
}

function head(names, kinds,    n, i, part)
{
	gsub(/\|/, " | ", names)
	print "| " names " |"
	n = split(kinds, part, "|")
	for (i = 1; i <= n; i++)
		printf "| %s ", part[i] == "r" ? "---:" : "---"
	print "|"
}

function row(line)
{
	gsub(/\t/, " | ", line)
	print "| " line " |"
}

function regex(text)
{
	gsub(/[.]/, "\\.", text)
	gsub(/\*/, ".*", text)
	gsub(/\?/, ".", text)
	return "^" text "$"
}

function reason_of(name,    g)
{
	for (g = 1; g <= nr_globs; g++)
		if (name ~ glob[g])
			return g
	return 0
}

# Insert a ratio into the sorted list of a pattern and table.
function note(pattern, file, value, object,    n, i)
{
	if (!(pattern in known)) {
		known[pattern] = 1
		patterns[++nr_patterns] = pattern
	}
	n = ++count[pattern, file]
	for (i = n; i > 1 && ratio[pattern, file, i - 1] > value; i--) {
		ratio[pattern, file, i] = ratio[pattern, file, i - 1]
		which[pattern, file, i] = which[pattern, file, i - 1]
	}
	ratio[pattern, file, i] = value
	which[pattern, file, i] = object
}

function print_layer(    i, j, names, kinds)
{
	names = "pattern"
	kinds = "l"
	for (j = 1; j <= nr_files; j++) {
		names = names "|" files[j] ": best|median|worst|of"
		kinds = kinds "|r|r|l|r"
	}
	head(names, kinds)
	for (i = 1; i <= nr_patterns; i++) {
		printf "| %s", patterns[i]
		for (j = 1; j <= nr_files; j++)
			print_ratios(patterns[i], files[j])
		print " |"
	}
}

function print_ratios(pattern, file,    n)
{
	n = count[pattern, file]
	if (!n) {
		printf " | | | |"
		return
	}
	printf " | %s | %s | %s (%s) | %d", ratio[pattern, file, 1],
	       ratio[pattern, file, int((n + 1) / 2)], ratio[pattern, file, n],
	       which[pattern, file, n], n
}

function print_curve(    i, n, names, kinds)
{
	names = "path"
	kinds = "l"
	for (n = 1; n <= 128; n *= 2) {
		names = names "|" n
		kinds = kinds "|r"
	}
	head(names, kinds)
	for (i = 1; i <= nr_paths; i++) {
		printf "| %s", path[i]
		for (n = 1; n <= 128; n *= 2)
			printf " | %s", at[path[i], n]
		print " |"
	}
}
