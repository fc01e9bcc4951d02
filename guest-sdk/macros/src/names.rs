//! Rust names for the vocabulary's ids and for what a rule declares.

use proc_macro2::Ident;
use quote::format_ident;

/// `actor.user.uid_alt`, `revoke-sessions` → `ActorUserUidAlt`, `RevokeSessions`.
pub(crate) fn camel(id: &str) -> Ident {
    let mut name = String::new();
    for part in id.split(['.', '_', '-']) {
        let mut characters = part.chars();
        name.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(characters.as_str());
    }
    format_ident!("{name}")
}

/// `distinct-operations` → `distinct_operations`; a keyword becomes a raw identifier, or gets an underscore if it can't be one.
pub(crate) fn snake(id: &str) -> Ident {
    let name = id.replace(['-', '.'], "_");
    syn::parse_str::<Ident>(&name)
        .or_else(|_| syn::parse_str::<Ident>(&format!("r#{name}")))
        .unwrap_or_else(|_| format_ident!("{name}_"))
}

/// `T1078.004`, `quiet-over` → `T1078_004`, `QUIET_OVER`.
pub(crate) fn screaming(id: &str) -> Ident {
    format_ident!("{}", id.replace(['-', '.'], "_").to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_names() {
        assert_eq!(camel("actor.user.uid_alt").to_string(), "ActorUserUidAlt");
        assert_eq!(camel("sign-in").to_string(), "SignIn");
        assert_eq!(snake("distinct-operations").to_string(), "distinct_operations");
        assert_eq!(snake("type").to_string(), "r#type");
        assert_eq!(snake("self").to_string(), "self_");
        assert_eq!(screaming("T1078.004").to_string(), "T1078_004");
    }
}
