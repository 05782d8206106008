// Package source brings the files of one commit out of a Git repository, or of
// a local folder, as an fs.FS.
//
//	Fetch ──► one listing of the server's refs ──► same commit ──► the same *Snapshot
//	                                          └──► new commit  ──► cache on disk ──► a new *Snapshot
//
// The cache keeps each commit as a bare repository of depth 1, without the files
// outside Options.Path where the server can leave them out: files are read
// from the commit's tree and nothing is checked out, so that a symbolic link or
// a hostile file name in the repository never touches the disk. What is read is
// checked against its hash. A commit that fails a check is downloaded anew.
package source
