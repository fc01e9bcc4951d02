//! Which links are followed: those to the log of the same organisation alone.

use proptest::prelude::*;

use super::*;

const ORIGIN: &str = "https://acme.okta.com";

fn next_of(header: &str) -> Next {
    next(std::iter::once(header), ORIGIN)
}

#[test]
fn the_link_to_what_follows_is_found() {
    let at = |path: &str| Next::At(path.to_owned());
    let path = "/api/v1/logs?after=1_2&limit=1000";
    for header in [
        format!("<{ORIGIN}{path}>; rel=\"next\""),
        format!("<{ORIGIN}{path}>;rel=next"),
        format!("<{ORIGIN}:443{path}>; rel=\"next\""),
        format!("<https://ACME.okta.com{path}>; title=\"a,b\"; REL=\"prev next\""),
        format!("<{ORIGIN}/api/v1/logs?a=1,2>; rel=\"self\", <{ORIGIN}{path}>; rel=\"next\""),
    ] {
        assert_eq!(next_of(&header), at(path), "{header}");
    }
    let both = [format!("<{ORIGIN}/x>; rel=\"self\""), format!("<{ORIGIN}{path}>; rel=\"next\"")];
    assert_eq!(next(both.iter().map(String::as_str), ORIGIN), at(path));
    for header in ["", "x", "<", "<>", &format!("<{ORIGIN}{path}>"), &format!("<{ORIGIN}{path}>; rel=\"self\"")] {
        assert_eq!(next_of(header), Next::None, "{header}");
    }
}

#[test]
fn nothing_else_is_followed() {
    for target in [
        "https://evil.example/api/v1/logs?after=1",
        "https://acme.okta.com.evil.example/api/v1/logs?after=1",
        "https://acme.okta.com@evil.example/api/v1/logs?after=1",
        "https://evil.example/https://acme.okta.com/api/v1/logs?after=1",
        "https://acme.okta.com:8443/api/v1/logs?after=1",
        "http://acme.okta.com/api/v1/logs?after=1",
        "//acme.okta.com/api/v1/logs?after=1",
        "/api/v1/logs?after=1",
        "https://acme.okta.com/api/v1/users?after=1",
        "https://acme.okta.com/api/v1/logs/../users?after=1",
        "https://acme.okta.com/api/v1/logs",
        "https://acme.okta.com/api/v1/logs?after=1#x",
        "https://acme.okta.com/api/v1/logs?after=1 HTTP/1.1\r\nX: y",
        "https://acme.okta.com\\@evil.example/api/v1/logs?after=1",
        "",
    ] {
        assert_eq!(next_of(&format!("<{target}>; rel=\"next\"")), Next::Elsewhere, "{target}");
    }
    let long = format!("<{ORIGIN}/api/v1/logs?after={}>; rel=\"next\"", "1".repeat(MAX_LINK));
    assert_eq!(next_of(&long), Next::Elsewhere);
    let local = "<http://127.0.0.1:81/api/v1/logs?a>; rel=next";
    assert_eq!(next(std::iter::once(local), "http://127.0.0.1:80"), Next::Elsewhere);
}

proptest! {
    #[test]
    fn whatever_a_header_says_the_address_stays(header in "[<>;,=\"a-z:/?.@ ]{0,60}") {
        if let Next::At(path) = next(std::iter::once(&*header), ORIGIN) {
            prop_assert!(path.starts_with("/api/v1/logs?"));
        }
    }
}
