//! Describes the interface for programs. Its types only describe: no value of them is made.
#![allow(dead_code)]

use utoipa::{IntoResponses, OpenApi, ToSchema};

use crate::api;
use crate::problem::Problem;
use crate::similar;

/// The interface as OpenAPI.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kennel",
        description = "Labels photos. Errors are RFC 9457 problem details.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        api::predict,
        api::explain,
        similar::similar,
        api::models,
        api::health,
        api::metrics,
        api::description
    )
)]
pub struct Description;

/// A photo, as it lies in a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Photo(Vec<u8>);

/// Photos, one a part.
#[derive(ToSchema)]
pub struct Form {
    /// The photos: JPEG, PNG, WebP, BMP, GIF, TIFF or HEIC. A part may have any name.
    #[schema(value_type = Vec<String>, format = Binary, min_items = 1, max_items = 64)]
    photo: Vec<Vec<u8>>,
}

/// Who calls the server by a foreign name.
#[derive(IntoResponses)]
pub enum Misnamed {
    /// The server is not known by the name in `Host`.
    #[response(status = 421, content_type = "application/problem+json")]
    Host(#[to_schema] Problem),
}

/// Who has no token.
#[derive(IntoResponses)]
pub enum Tokenless {
    /// The token is missing or wrong.
    #[response(status = 401, content_type = "application/problem+json")]
    Token(#[to_schema] Problem),
}

/// Why photos are refused.
#[derive(IntoResponses)]
pub enum RefusedPhoto {
    /// The request is damaged.
    #[response(status = 400, content_type = "application/problem+json")]
    Bad(#[to_schema] Problem),
    /// The request comes from another page.
    #[response(status = 403, content_type = "application/problem+json")]
    Page(#[to_schema] Problem),
    /// There is no such model or class.
    #[response(status = 404, content_type = "application/problem+json")]
    Missing(#[to_schema] Problem),
    /// The body took too long.
    #[response(status = 408, content_type = "application/problem+json")]
    Late(#[to_schema] Problem),
    /// The body is too large, or has too many photos.
    #[response(status = 413, content_type = "application/problem+json")]
    Large(#[to_schema] Problem),
    /// The body is no photo.
    #[response(status = 415, content_type = "application/problem+json")]
    Kind(#[to_schema] Problem),
    /// The photo cannot be read, or the model cannot explain.
    #[response(status = 422, content_type = "application/problem+json")]
    Photo(#[to_schema] Problem),
    /// There is too much to do.
    #[response(status = 429, content_type = "application/problem+json")]
    Busy(#[to_schema] Problem),
    /// The model failed.
    #[response(status = 503, content_type = "application/problem+json")]
    Model(#[to_schema] Problem),
}
