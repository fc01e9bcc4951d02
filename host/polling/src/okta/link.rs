//! The link to what follows (RFC 8288), which has to stay where the log is.

/// The path of the log.
pub(crate) const PATH: &str = "/api/v1/logs";

/// The longest link, bytes.
const MAX_LINK: usize = 8 << 10;

/// What a header `Link` says about what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing.
    None,
    /// The path and query of it.
    At(String),
    /// It lies elsewhere, or can't be one.
    Elsewhere,
}

/// The link with the relation `next` of some headers. `origin` is `https://HOST` or `http://HOST` in lower case.
pub(crate) fn next<'h>(headers: impl Iterator<Item = &'h str>, origin: &str) -> Next {
    let links = headers.flat_map(links);
    let mut next = links.filter(|(_, parameters)| is_next(parameters)).map(|(target, _)| target);
    match next.next() {
        None => Next::None,
        Some(target) => path(target, origin).map_or(Next::Elsewhere, Next::At),
    }
}

/// The links of a header, each with its parameters.
fn links(header: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    let mut rest = header;
    // A comma may stand in a target, and none of Okta's parameters has a `<`.
    while let Some((target, after)) = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
        let (parameters, following) = after.split_at(after.find('<').unwrap_or(after.len()));
        links.push((target, parameters));
        rest = following;
    }
    links
}

fn is_next(parameters: &str) -> bool {
    parameters.split([';', ',']).any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        name.trim().eq_ignore_ascii_case("rel")
            && value.trim().trim_matches('"').split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next"))
    })
}

/// The path and query of a target, if it is the log of this organisation.
///
/// INVARIANT: the token is sent to no other address than that of the organisation, whatever an answer says.
fn path(target: &str, origin: &str) -> Option<String> {
    if target.len() > MAX_LINK || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let at = target.find("://")? + 3;
    let end = target.get(at..)?.find(['/', '?', '#']).map_or(target.len(), |end| at + end);
    let (authority, rest) = target.split_at_checked(end)?;
    if without_port(&authority.to_ascii_lowercase()) != without_port(origin) {
        return None;
    }
    let query = rest.strip_prefix(PATH)?;
    (query.starts_with('?') && !query.contains('#')).then(|| rest.to_owned())
}

/// An origin without the port that its scheme has anyway.
fn without_port(origin: &str) -> &str {
    let port = if origin.starts_with("https:") { ":443" } else { ":80" };
    origin.strip_suffix(port).unwrap_or(origin)
}

#[cfg(test)]
#[path = "../../tests/unit/link.rs"]
mod tests;
