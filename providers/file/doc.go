// Package file keeps secrets in a folder of plain age files: encrypted,
// versioned, and fit to be committed beside the code that reads them.
//
//	recipients.txt          who may read, as age -R takes it; the first line names the format
//	secrets/ID.age          one armored age file, the current version
//	history/ID/VERSION.age  earlier versions, at most ten by default
//	.lock                   the writers' lock
//
// Nothing in it needs this package: age -d -i IDENTITY secrets/NAME.age prints
// exactly the value, and age -R recipients.txt -a -o secrets/NAME.age makes a
// file that this package reads. docs/file-store-format.md is the whole
// specification.
//
// [New] opens a store that [Init] or the command "lukko init" has made; the
// URLs file:///absolute/folder and file:relative/folder do the same through
// core.Open, after a blank import of this package.
//
// # Who reads and who writes
//
// Get, GetMany, Rollback and the changes of recipients need an identity, the
// private half of a recipient; see [Config] for where it is looked for. Set
// needs none, nor do Stat, List, Versions, Delete and the conditions of a
// write: what they need is in the header of each file, in clear text,
// authenticated by age when the file is decrypted.
//
// Whoever can write to the folder could add a recipient of their own, and the
// next honest write would encrypt to it. So the first write by a user pins the
// set of recipients in the user's own configuration folder, and a write to a
// changed set is refused until [Store.AcceptRecipients].
//
// # What it promises
//
// Writers of any number of processes on one machine exclude each other by an
// advisory lock; IfAbsent and IfVersion hold across them. A write that was
// acknowledged is on the disk: files and folders are synced, in an order that
// loses nothing if the power fails at any point. Readers take no lock, need no
// permission to write, and see one whole version. A version never names two
// values, also after a crash, a delete, a purge, a restored backup or a merge.
//
// # Limits
//
// Who can write to the folder can replace a secret by one of theirs or by an
// older version of it: file permissions and review are the guard. Ids, times
// and sizes are visible. What was readable stays known to a recipient who was
// removed: rotate such secrets at their origin. A checkout in place, under
// running readers, may show a false "not found". Network file systems are read
// but not written to, as their locks can't be relied on. An age plugin that
// waits for a person can't be interrupted by a context.
//
// On Windows folders can't be synced, so a power failure may undo the last
// acknowledged writes; file modes are not checked; and a write waits for
// readers that have the file open. On Windows and macOS, whose file systems
// fold case, ids that differ only by case are one name; the store refuses the
// second one everywhere.
package file
