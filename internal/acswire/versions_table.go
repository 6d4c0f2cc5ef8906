package acswire

import "time"

// Where versions are known from.
const (
	fromSpecs      = "specifications"
	fromRecordings = "recordings"
	fromField      = "older SDKs"
)

// Versions returns the api-versions that an area answers, oldest first. It is
// the only place that says so: what is served, what the headers list, what is
// on its way out and when.
func Versions(a Area) []ServedVersion {
	switch a {
	case AreaIdentity:
		return identityVersions()
	case AreaResourceManager:
		return resourceManagerVersions()
	case AreaChat:
		return chatVersions()
	case AreaNone:
	}
	return nil
}

// specified is a version that is its own contract.
func specified(v Version, listed bool) ServedVersion {
	return ServedVersion{Version: v, Contract: v, State: stateOf(v), Listed: listed, Source: fromSpecs}
}

// named is a version that another one's contract answers.
func named(v, contract Version, listed bool, source string) ServedVersion {
	return ServedVersion{Version: v, Contract: contract, State: stateOf(v), Listed: listed, Source: source}
}

func stateOf(v Version) VersionState {
	if v.IsPreview() {
		return VersionPreview
	}
	return VersionStable
}

// withdrawn gives notice of a version's end: three years at least lie between
// the two days.
func withdrawn(v ServedVersion, deprecated, sunset time.Time) ServedVersion {
	v.State, v.Deprecated, v.Sunset = VersionDeprecated, deprecated, sunset
	return v
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// identityVersions: what stands in api-supported-versions is what the service
// was recorded to list; the newest was published after those recordings. Those
// it listed once and then no more are on their way out here too.
func identityVersions() []ServedVersion {
	notice, end := day(2026, time.November, 21), day(2029, time.December, 1)
	custom := preview("2025-03-02", 0)
	return []ServedVersion{
		specified(preview("2020-07-20", 2), true),
		// The preview of 2021-03-07, with its operations.
		withdrawn(named(preview("2021-02-22", 1), stable("2021-03-07"), false, fromRecordings), notice, end),
		specified(stable("2021-03-07"), true),
		// The exchange of Teams tokens shipped in these before it was specified.
		withdrawn(named(preview("2021-03-31", 1), stable("2022-06-01"), false, fromField), notice, end),
		named(preview("2021-10-31", 0), stable("2022-06-01"), true, fromRecordings),
		named(stable("2021-11-01"), stable("2022-06-01"), true, fromRecordings),
		specified(stable("2022-06-01"), true),
		specified(stable("2022-10-01"), true),
		// Became 2023-10-01.
		withdrawn(named(stable("2023-08-01"), stable("2023-10-01"), false, fromRecordings), notice, end),
		specified(stable("2023-10-01"), true),
		{Version: custom, Contract: custom, State: VersionPreview, Listed: true, Source: fromRecordings},
		specified(stable("2025-06-30"), false),
	}
}

// resourceManagerVersions: the resource manager does not list them in a header.
func resourceManagerVersions() []ServedVersion {
	return []ServedVersion{
		named(preview("2020-08-20", 0), stable("2020-08-20"), false, fromField),
		specified(stable("2020-08-20"), false),
		// E-mail's child resources shipped in these before they were specified.
		named(preview("2021-10-01", 0), stable("2023-03-31"), false, fromField),
		named(preview("2022-07-01", 0), stable("2023-03-31"), false, fromField),
		named(preview("2023-03-01", 0), stable("2023-03-31"), false, fromField),
		specified(stable("2023-03-31"), false),
		named(preview("2023-04-01", 0), stable("2023-04-01"), false, fromRecordings),
		specified(stable("2023-04-01"), false),
		specified(preview("2023-06-01", 0), false),
		// User names for SMTP shipped in these.
		named(preview("2024-09-01", 0), stable("2025-09-01"), false, fromField),
		named(preview("2025-05-01", 0), stable("2025-09-01"), false, fromField),
		named(stable("2025-05-01"), stable("2025-09-01"), false, fromField),
		specified(stable("2025-09-01"), false),
	}
}

// chatVersions: what stands in api-supported-versions is what the service was
// recorded to list last. Those that it listed before and then no more are on
// their way out here too.
func chatVersions() []ServedVersion {
	notice, end := day(2026, time.November, 21), day(2029, time.December, 1)
	first := stable("2021-03-07")
	return []ServedVersion{
		withdrawn(specified(preview("2020-09-21", 2), false), notice, end),
		withdrawn(named(preview("2020-11-01", 3), first, false, fromRecordings), notice, end),
		withdrawn(named(preview("2021-01-27", 4), first, false, fromRecordings), notice, end),
		withdrawn(named(preview("2021-03-01", 5), first, false, fromRecordings), notice, end),
		specified(first, true),
		// Metadata of messages shipped in it before they were specified.
		named(preview("2021-04-05", 6), stable("2021-09-07"), true, fromRecordings),
		specified(stable("2021-09-07"), true),
		// Attachments shipped in these.
		named(preview("2023-04-01", 0), stable("2023-11-07"), true, fromRecordings),
		named(preview("2023-07-01", 0), stable("2023-11-07"), true, fromRecordings),
		specified(stable("2023-11-07"), true),
		named(preview("2023-11-15", 0), stable("2024-03-07"), true, fromRecordings),
		named(preview("2024-03-01", 0), stable("2024-03-07"), true, fromRecordings),
		specified(stable("2024-03-07"), true),
		named(preview("2024-03-15", 0), preview("2024-06-05", 0), true, fromRecordings),
		specified(preview("2024-06-05", 0), true),
		specified(stable("2025-03-15"), false),
	}
}
