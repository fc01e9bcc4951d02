//! What the text of event 412 shows about its token: "A token of type '…' for relying party '…' was successfully
//! authenticated."

use crate::Event;

/// What a token was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenUse {
    /// Unknown: the record came without its text.
    Unknown,
    /// A token for the replication service.
    Replication,
    /// A token for a relying party.
    RelyingParty,
}

/// The type of token that the farm's servers use between each other, and the path of the service.
const REPLICATION: [&str; 2] = ["servicemodel/tokens/secureconversation", "policystoretransfer"];

/// What the record's token was used for, by its message or its data.
pub(crate) fn token_use(event: &Event) -> TokenUse {
    let texts = [event.message(), event.unmapped()];
    texts
        .into_iter()
        .flatten()
        .map(classify)
        .find(|token_use| *token_use != TokenUse::Unknown)
        .unwrap_or(TokenUse::Unknown)
}

fn classify(text: &str) -> TokenUse {
    // A JSON text may have its slashes escaped.
    let text = text.to_ascii_lowercase().replace("\\/", "/");
    if REPLICATION.iter().any(|part| text.contains(part)) {
        TokenUse::Replication
    } else if ["http:", "https:", "urn:"].iter().any(|part| text.contains(part)) {
        TokenUse::RelyingParty
    } else {
        TokenUse::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_distinguishes_replication_from_a_sign_in() {
        let type_of = "http://schemas.microsoft.com/ws/2006/05/servicemodel/tokens/SecureConversation";
        for (text, expected) in [
            (format!("A token of type '{type_of}' for relying party '-' was successfully authenticated."), TokenUse::Replication),
            (format!(r#"{{"param2":"{}"}}"#, type_of.replace('/', "\\/")), TokenUse::Replication),
            ("GET http://fs.example.test/adfs/services/policystoretransfer".to_owned(), TokenUse::Replication),
            (
                "A token of type 'urn:oasis:names:tc:SAML:1.0:assertion' for relying party 'urn:federation:example' was \
                 successfully authenticated."
                    .to_owned(),
                TokenUse::RelyingParty,
            ),
            ("{}".to_owned(), TokenUse::Unknown),
            (r#"{"Level":"0","Task":"3"}"#.to_owned(), TokenUse::Unknown),
            (String::new(), TokenUse::Unknown),
        ] {
            assert_eq!(classify(&text), expected, "{text}");
        }
    }
}
