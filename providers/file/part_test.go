package file_test

// play is a process of its own in a test of several.
func play(string) int { return 2 }
