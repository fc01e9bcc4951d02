//! What the text of event 412 says of its token: "A token of type '…' for relying party '…' was successfully
//! authenticated."

use crate::Event;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing: it came without its text.
    Nothing,
    /// A token for the replication service.
    Replication,
    /// A token for somebody who relies on the federation.
    RelyingParty,
}

/// The type of token with which the farm's servers speak to each other, and the path of the service.
const REPLICATION: [&str; 2] = ["servicemodel/tokens/secureconversation", "policystoretransfer"];

/// What the record says, in its message or its data.
pub(crate) fn of(event: &Event) -> Told {
    let texts = [event.message(), event.unmapped()];
    texts.into_iter().flatten().map(judge).find(|told| *told != Told::Nothing).unwrap_or(Told::Nothing)
}

fn judge(text: &str) -> Told {
    // A JSON text may have its slashes escaped.
    let text = text.to_ascii_lowercase().replace("\\/", "/");
    if REPLICATION.iter().any(|word| text.contains(word)) {
        Told::Replication
    } else if ["http:", "https:", "urn:"].iter().any(|word| text.contains(word)) {
        Told::RelyingParty
    } else {
        Told::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_tells_replication_from_a_sign_in() {
        let type_of = "http://schemas.microsoft.com/ws/2006/05/servicemodel/tokens/SecureConversation";
        for (text, expected) in [
            (format!("A token of type '{type_of}' for relying party '-' was successfully authenticated."), Told::Replication),
            (format!(r#"{{"param2":"{}"}}"#, type_of.replace('/', "\\/")), Told::Replication),
            ("GET http://fs.example.test/adfs/services/policystoretransfer".to_owned(), Told::Replication),
            (
                "A token of type 'urn:oasis:names:tc:SAML:1.0:assertion' for relying party 'urn:federation:example' was \
                 successfully authenticated."
                    .to_owned(),
                Told::RelyingParty,
            ),
            ("{}".to_owned(), Told::Nothing),
            (r#"{"Level":"0","Task":"3"}"#.to_owned(), Told::Nothing),
            (String::new(), Told::Nothing),
        ] {
            assert_eq!(judge(&text), expected, "{text}");
        }
    }
}
