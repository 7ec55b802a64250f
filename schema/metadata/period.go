package metadata

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// units are those of periods, the largest first.
var units = []struct {
	suffix string
	length time.Duration
}{
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ns", 1},
	{"w", 7 * 24 * time.Hour}, // read only
}

// FormatPeriod writes a time in the largest unit that it is a multiple of:
// 90d, 36h, 90m, 45s or 1500ns. Zero and less is the empty string.
func FormatPeriod(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	for _, u := range units {
		if d%u.length == 0 {
			return strconv.FormatInt(int64(d/u.length), 10) + u.suffix
		}
	}
	return ""
}

// ParsePeriod reads what FormatPeriod writes, and weeks: 12w. It reports
// false for anything else, also for a time that is not positive or too long
// for a time.Duration.
func ParsePeriod(s string) (time.Duration, bool) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || n == 0 || digits[0] == '0' || n > uint64(math.MaxInt64/u.length) {
			continue // "5ns" is not "5n" seconds
		}
		return time.Duration(n) * u.length, true
	}
	return 0, false
}
