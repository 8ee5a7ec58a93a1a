//! A request's body to photos: one photo as it is, or many as a form.

use axum::RequestExt;
use axum::body::Bytes;
use axum::extract::Request;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::http::{StatusCode, header};
use tokio::time::timeout;

use crate::Limits;
use crate::problem::Problem;

/// Kinds of a body that is a photo, besides `image/...`: none, any, and what `curl --data-binary`
/// says of every body.
const PLAIN: [&str; 3] = ["", "application/octet-stream", "application/x-www-form-urlencoded"];
/// Longest name that a photo keeps, in characters.
const NAME_CHARS: usize = 255;

/// A photo as it came.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The name that the client gave it. It is shown and never opened.
    pub name: String,
    /// The bytes of its file.
    pub bytes: Bytes,
}

/// The photos of a request.
#[derive(Clone, Debug)]
pub enum Uploads {
    /// The body is a photo.
    One(Upload),
    /// The body is a form of photos.
    Form(Vec<Upload>),
}

impl Uploads {
    /// Returns the photo, if it is one.
    ///
    /// # Errors
    ///
    /// 400 for a form with another number of photos.
    pub fn into_one(self) -> Result<Upload, Problem> {
        let mut photos = match self {
            Uploads::One(photo) => return Ok(photo),
            Uploads::Form(photos) => photos,
        };
        match (photos.pop(), photos.len()) {
            (Some(photo), 0) => Ok(photo),
            _ => Err(Problem::bad("expected one photo")),
        }
    }
}

/// Reads the photos of a request: a form (`multipart/form-data`) of files, or a body that is a
/// photo.
///
/// # Errors
///
/// 400 for a form that is damaged or has no photo, 408 for a body that takes too long, 413 for more
/// than the limits, 415 for a body that says it is something else.
pub async fn read(request: Request, limits: &Limits) -> Result<Uploads, Problem> {
    let late = |_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not come within {} s", limits.body.as_secs()),
        )
    };
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.map_or(Some(""), |kind| kind.to_str().ok()).unwrap_or("?");
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match &*kind {
        "multipart/form-data" => {
            let form = request.extract::<Multipart, _>().await;
            let form =
                form.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
            let photos =
                timeout(limits.body, read_form(form, limits.photos)).await.map_err(late)??;
            Ok(Uploads::Form(photos))
        }
        kind if PLAIN.contains(&kind) || kind.starts_with("image/") => {
            let bytes = timeout(limits.body, request.extract::<Bytes, _>()).await.map_err(late)?;
            let bytes =
                bytes.map_err(|refused| Problem::new(refused.status(), refused.body_text()))?;
            if bytes.is_empty() {
                return Err(Problem::bad("the body is empty, expected a photo"));
            }
            Ok(Uploads::One(Upload { name: "-".into(), bytes }))
        }
        kind => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("the body is {kind:?}, expected a photo or `multipart/form-data`"),
        )),
    }
}

async fn read_form(mut form: Multipart, most: usize) -> Result<Vec<Upload>, Problem> {
    let refused = |error: MultipartError| Problem::new(error.status(), error.body_text());
    let mut photos = Vec::new();
    while let Some(part) = form.next_field().await.map_err(refused)? {
        let number = photos.len() + 1;
        if number > most {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Problem::new(status, format!("the form has more than {most} photos")));
        }
        let name = part.file_name().or(part.name()).filter(|name| !name.is_empty());
        let name =
            name.map_or_else(|| number.to_string(), |name| name.chars().take(NAME_CHARS).collect());
        photos.push(Upload { name, bytes: part.bytes().await.map_err(refused)? });
    }
    match photos.is_empty() {
        true => Err(Problem::bad("the form has no photo")),
        false => Ok(photos),
    }
}
