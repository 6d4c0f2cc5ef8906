package acswire

// Where versions are known from.
const (
	fromSpecs      = "specifications"
	fromRecordings = "recordings"
	fromField      = "older SDKs"
)

// Versions returns the api-versions that an area answers, oldest first.
func Versions(a Area) []ServedVersion {
	switch a {
	case AreaIdentity:
		return identityVersions()
	case AreaResourceManager:
		return resourceManagerVersions()
	case AreaNone:
	}
	return nil
}

// identityVersions: what stands in api-supported-versions is what the service
// was recorded to list; the newest was published after those recordings.
func identityVersions() []ServedVersion {
	return []ServedVersion{
		{Version: preview("2020-07-20", 2), Contract: preview("2020-07-20", 2), State: VersionPreview, Listed: true, Source: fromSpecs},
		{Version: stable("2021-03-07"), Contract: stable("2021-03-07"), Listed: true, Source: fromSpecs},
		{Version: preview("2021-10-31", 0), Contract: stable("2022-06-01"), State: VersionPreview, Listed: true, Source: fromRecordings},
		{Version: stable("2021-11-01"), Contract: stable("2022-06-01"), Listed: true, Source: fromRecordings},
		{Version: stable("2022-06-01"), Contract: stable("2022-06-01"), Listed: true, Source: fromSpecs},
		{Version: stable("2022-10-01"), Contract: stable("2022-10-01"), Listed: true, Source: fromSpecs},
		{Version: stable("2023-10-01"), Contract: stable("2023-10-01"), Listed: true, Source: fromSpecs},
		{Version: preview("2025-03-02", 0), Contract: preview("2025-03-02", 0), State: VersionPreview, Listed: true, Source: fromRecordings},
		{Version: stable("2025-06-30"), Contract: stable("2025-06-30"), Source: fromSpecs},
	}
}

// resourceManagerVersions: the resource manager does not list them in a header.
func resourceManagerVersions() []ServedVersion {
	return []ServedVersion{
		{Version: preview("2020-08-20", 0), Contract: stable("2020-08-20"), State: VersionPreview, Source: fromField},
		{Version: stable("2020-08-20"), Contract: stable("2020-08-20"), Source: fromSpecs},
		{Version: preview("2021-10-01", 0), Contract: stable("2023-03-31"), State: VersionPreview, Source: fromField},
		{Version: stable("2023-03-31"), Contract: stable("2023-03-31"), Source: fromSpecs},
		{Version: preview("2023-04-01", 0), Contract: stable("2023-04-01"), State: VersionPreview, Source: fromRecordings},
		{Version: stable("2023-04-01"), Contract: stable("2023-04-01"), Source: fromSpecs},
		{Version: preview("2023-06-01", 0), Contract: preview("2023-06-01", 0), State: VersionPreview, Source: fromSpecs},
		{Version: stable("2025-09-01"), Contract: stable("2025-09-01"), Source: fromSpecs},
	}
}
