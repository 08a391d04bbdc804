package machine

import (
	"flag"
)

var updateGolden = flag.Bool("update", false, "write the golden records of the present format") //nolint:gochecknoglobals // a flag of the test binary
