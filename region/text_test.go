package region_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"flag"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genesyshandover/genesyshandover/region"
)

func TestJSON(t *testing.T) {
	t.Parallel()
	type config struct {
		Region region.Region            `json:"region"`
		Names  map[region.Region]string `json:"names,omitempty"`
	}
	for _, r := range append(region.All(), "custom:xyz1.pure.cloud", "") {
		in := config{Region: r, Names: map[region.Region]string{r: "x"}}
		b, err := json.Marshal(in)
		require.NoError(t, err)
		require.Contains(t, string(b), `"region":"`+string(r)+`"`)
		var out config
		require.NoError(t, json.Unmarshal(b, &out))
		require.Equal(t, in, out)
	}
	out := config{Region: region.EUWest1}
	require.NoError(t, json.Unmarshal([]byte(`{"region":"https://login.mypurecloud.de/"}`), &out))
	require.Equal(t, region.EUCentral1, out.Region)
	require.ErrorContains(t, json.Unmarshal([]byte(`{"region":"eu-central-9"}`), &out), "did you mean eu-central-1")
	require.Equal(t, region.EUCentral1, out.Region, "an error leaves the value alone")
}

func TestFlag(t *testing.T) {
	t.Parallel()
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var r region.Region
	flags.TextVar(&r, "region", region.EUWest1, "Genesys Cloud region")
	require.Equal(t, region.EUWest1, r)
	require.NoError(t, flags.Parse([]string{"-region", "API.mypurecloud.jp"}))
	require.Equal(t, region.APNortheast1, r)
	require.Error(t, flags.Parse([]string{"-region", "nowhere"}))
}

func TestSQL(t *testing.T) {
	t.Parallel()
	db := sql.OpenDB(echo{})
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for _, want := range []region.Region{region.EUWest1, "custom:xyz1.pure.cloud", ""} {
		var got region.Region
		require.NoError(t, db.QueryRowContext(t.Context(), "echo", want).Scan(&got))
		require.Equal(t, want, got)
	}
}

// echo is a database that answers every query with its first argument.
type echo struct{}

func (e echo) Connect(context.Context) (driver.Conn, error) { return e, nil }
func (e echo) Driver() driver.Driver                        { return e }
func (e echo) Open(string) (driver.Conn, error)             { return e, nil }
func (echo) Prepare(string) (driver.Stmt, error)            { return nil, driver.ErrSkip }
func (echo) Close() error                                   { return nil }
func (echo) Begin() (driver.Tx, error)                      { return nil, driver.ErrSkip }

func (echo) QueryContext(_ context.Context, _ string, args []driver.NamedValue) (driver.Rows, error) {
	return &rows{args[0].Value}, nil
}

type rows []driver.Value

func (*rows) Columns() []string { return []string{"region"} }
func (*rows) Close() error      { return nil }

func (r *rows) Next(dest []driver.Value) error {
	if len(*r) == 0 {
		return io.EOF
	}
	dest[0], *r = (*r)[0], (*r)[1:]
	return nil
}
