# Sourced by the scripts beside it. It goes to the root of the repository and
# gives them what they share.

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
	git ls-files --others --exclude-standard -z | xargs -0 -r sha256sum
}
