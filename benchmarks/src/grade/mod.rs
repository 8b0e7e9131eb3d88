//! How answers are judged, one file a family of suites.
