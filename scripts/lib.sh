# Sourced by the scripts beside it. It goes to the root of the repository and
# gives them what they share. All of them keep to bash 3.2 and to what macOS has.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

failed=()

# step NAME COMMAND... runs a command under a heading. When it fails the others
# still run, and finish says so at the end.
step() {
	local name=$1 start=$SECONDS
	shift
	echo "== $name"
	if "$@"; then
		echo "== $name: done in $((SECONDS - start)) s"
	else
		echo "== $name: FAILED"
		failed+=("$name")
	fi
}

finish() {
	if ((${#failed[@]})); then
		printf '\nfailed:\n'
		printf '  %s\n' "${failed[@]}"
		exit 1
	fi
}

# tree_state prints what git would commit, so that two calls compare equal when
# nothing changed between them.
tree_state() {
	git status --porcelain
	git diff HEAD
	git ls-files --others --exclude-standard | git hash-object --stdin-paths
}

# go_files prints the Go files that are ours to format, each ended by a zero:
# what is generated has the form that its generator gives it.
go_files() {
	local file
	git ls-files -z --cached --others --exclude-standard -- '*.go' ':(exclude,glob)**/testdata/**' ':(exclude,glob)**/*_gen.go' |
		while IFS= read -r -d '' file; do
			[[ -e $file ]] && printf '%s\0' "$file"
		done
	true
}

# platform SYSTEM/ARCHITECTURE builds and vets all, tests too, for another one.
platform() {
	local -x GOOS=${1%/*} GOARCH=${1#*/} CGO_ENABLED=0
	go build work && go vet work
}
