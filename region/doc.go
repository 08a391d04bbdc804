// Package region is the table of Genesys Cloud regions and the hosts of each.
//
// A Genesys Cloud organisation is in exactly one region, and each region has a domain with its API,
// login and apps hosts. Credentials of one region are unknown in every other, so a wrong region
// looks like a wrong password. [Parse] therefore accepts many spellings of the regions that it
// knows, and nothing else.
//
// The table is closed. A region that is newer than this release must be named explicitly, with
// [Custom] or as "custom:<domain>". The package imports the standard library only. The domains are
// those of Genesys' own clients, August 2026:
// https://github.com/MyPureCloud/platform-client-sdk-javascript/blob/e09e27aa/build/src/purecloud-platform-client-v2/PureCloudRegionHosts.js
package region
