package machine

import (
	"time"
)

func after(d time.Duration) time.Time { return noon().Add(d) }
