package file

import "syscall"

// The magic numbers of file systems that are shared over a network, from
// statfs(2). Their locks hold within one machine at best.
var networkFS = map[int64]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x73757245: "Coda",
	0x5346414f: "AFS",
}

func refusesWrites(dir string) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return ""
	}
	// The field is 32 bits on some platforms, and signed.
	name, ok := networkFS[int64(uint32(st.Type))]
	if !ok {
		return ""
	}
	return "the store is on " + name + ", where locks can't be relied on"
}
