//! What an operation of IAM does to a credential, and how suspicious that alone is.

use countersign_sdk::Json;

/// What was done to a credential.
pub(crate) struct Deed {
    /// For the message: "… made an access key".
    pub(crate) words: &'static str,
    /// The confidence of the operation alone, before who did it and how is considered.
    pub(crate) confidence: u8,
    /// A second factor rather than something to sign in with.
    pub(crate) is_device: bool,
}

/// What a successful operation did, given its request; none if it put no credential into force.
pub(crate) fn deed(operation: &str, request: Option<Json<'_>>) -> Option<Deed> {
    let (words, confidence) = match operation {
        "CreateAccessKey" => ("made an access key", 70),
        "CreateLoginProfile" => ("made a console password", 70),
        // The owner had one and is locked out, which is no favour to a colleague.
        "UpdateLoginProfile" => ("set a new console password", 75),
        "ResetServiceSpecificCredential" => ("reset a service's password", 70),
        "CreateServiceSpecificCredential" => ("made a service's password", 65),
        "UploadSSHPublicKey" => ("added an SSH key", 65),
        "UploadSigningCertificate" => ("added a signing certificate", 65),
        "EnableMFADevice" => ("enrolled a second factor", 55),
        "UpdateAccessKey" if is_activated(request) => ("activated an access key", 60),
        "UpdateSSHPublicKey" if is_activated(request) => ("activated an SSH key", 60),
        "UpdateSigningCertificate" if is_activated(request) => ("activated a signing certificate", 60),
        "UpdateServiceSpecificCredential" if is_activated(request) => ("activated a service's password", 60),
        _ => return None,
    };
    Some(Deed { words, confidence, is_device: operation == "EnableMFADevice" })
}

fn is_activated(request: Option<Json<'_>>) -> bool {
    let status = request.and_then(|body| body.get("status")).and_then(Json::text);
    status.is_some_and(|status| status.eq_ignore_ascii_case("Active"))
}
