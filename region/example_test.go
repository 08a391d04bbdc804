package region_test

import (
	"fmt"

	"github.com/genesyshandover/genesyshandover/region"
)

func ExampleParse() {
	r, err := region.Parse("https://apps.mypurecloud.ie/directory/#/admin")
	fmt.Println(r, r.Place(), r.API(), err)

	_, err = region.Parse("eu-westt-2")
	fmt.Println(err)
	// Output:
	// eu-west-1 Ireland https://api.mypurecloud.ie <nil>
	// region: "eu-westt-2" is not a known region; did you mean eu-west-2 (euw2.pure.cloud, London) or eu-west-1 (mypurecloud.ie, Ireland) or us-west-2 (usw2.pure.cloud, Oregon)?
}

func ExampleCustom() {
	r, err := region.Custom("xyz1.pure.cloud")
	fmt.Println(r, r.Login(), err)
	// Output: custom:xyz1.pure.cloud https://login.xyz1.pure.cloud <nil>
}
