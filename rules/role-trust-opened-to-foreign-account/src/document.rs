//! Finds the trust policy's document in a record, and decodes it.

use std::borrow::Cow;

use countersign_sdk::Json;

use crate::Event;

/// The text of the trust policy that the call wrote: JSON, or JSON in percent-encoding. Some collectors put the document
/// itself in the place of its text.
pub(crate) fn trust_policy<'a>(event: &Event<'a>) -> Option<Cow<'a, str>> {
    let text = |body: Json<'a>, name: &str| {
        let document = body.get(name)?;
        document.text().or_else(|| document.as_str().starts_with('{').then_some(Cow::Borrowed(document.as_str())))
    };
    let request = event.api_request_data().and_then(Json::parse);
    let sent = request.and_then(|body| text(body, "policyDocument").or_else(|| text(body, "assumeRolePolicyDocument")));
    let document = sent.or_else(|| {
        let role = event.api_response_data().and_then(Json::parse)?.get("role")?;
        text(role, "assumeRolePolicyDocument")
    })?;
    // No JSON begins with a percent sign.
    if document.starts_with('%') { percent_decode(&document).map(Cow::Owned) } else { Some(document) }
}

/// RFC 3986; none where the bytes aren't UTF-8. A percent sign without two digits stands for itself.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, encoded)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let digits = encoded.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = encoded.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(b'%');
                rest = encoded;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone() {
        for (text, decoded) in [
            ("%7B%22a%22%3A%22%C3%A4%22%7d", Some("{\"a\":\"ä\"}")),
            ("100%", Some("100%")),
            ("%zz%2", Some("%zz%2")),
            ("%2+a", Some("%2+a")),
            ("%ff", None),
        ] {
            assert_eq!(percent_decode(text).as_deref(), decoded, "{text}");
        }
    }
}
