package machine

import (
	"time"
)

func after(d time.Duration) Time { return noon().Add(d) }
