//! Which photos of a run's data set are like an uploaded one.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::{Extension, Json};
use kennel_infer::SimilarPhoto;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::admission::Admitted;
use crate::api::worked;
use crate::blocking::blocking;
use crate::openapi::{Form, Misnamed, Photo, RefusedPhoto, Tokenless};
use crate::photos::features;
use crate::problem::Problem;
use crate::state::Server;
use crate::upload;

/// Photos to list unless another number is asked for, and at most.
const TOP: u32 = 6;
const MOST: u32 = 100;

/// Which model, and how many photos.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SimilarQuery {
    /// Name of the model; the first by default.
    model: Option<String>,
    /// Number of photos to list; 6 by default.
    #[param(minimum = 1, maximum = 100)]
    top: Option<u32>,
}

/// Photos that are like a photo.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimilarPhotos {
    /// Name of the model.
    model: String,
    /// The photos, the most alike first.
    photos: Vec<Alike>,
}

/// A photo of the data set.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alike {
    /// Its path in the data set.
    path: String,
    /// SHA-256 of its file.
    sha256: String,
    /// Its label.
    label: String,
    /// `train`, `val` or `test`.
    split: String,
    /// Cosine of the angle between both photos' features: 1 for the same picture.
    similarity: f64,
}

/// Finds the photos of a run's data set that are most like a photo.
///
/// The first request computes what the network sees in all of them, unless the run keeps it.
#[utoipa::path(
    post,
    path = "/v1/similar",
    params(SimilarQuery),
    request_body(content(
        (Photo = "image/jpeg"),
        (Photo = "application/octet-stream"),
        (Form = "multipart/form-data"),
    )),
    responses(
        (status = 200, description = "The photos", body = SimilarPhotos),
        Misnamed,
        Tokenless,
        RefusedPhoto,
    )
)]
pub async fn similar(
    State(server): State<Server>,
    asked: Result<Query<SimilarQuery>, QueryRejection>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Result<Json<SimilarPhotos>, Problem> {
    let Query(asked) = asked.map_err(|refused| Problem::bad(refused.body_text()))?;
    let top = asked.top.unwrap_or(TOP);
    if !(1..=MOST).contains(&top) {
        return Err(Problem::bad(format!("top is {top}, expected 1 to {MOST}")));
    }
    let (_, model) = server.models.asked(asked.model.as_deref())?;
    let photo = upload::read(request, &server.limits).await?.into_one()?;
    let limit = server.limits.answer;
    let name = model.name().to_string();
    let photos = worked("finding photos", limit, async move {
        let indexed = model.clone();
        let index = blocking(move || indexed.index().get()).await?;
        let features = features(&server, &model, photo).await?;
        drop(admitted);
        let found = index.similar(&features, None, top as usize);
        Ok(found.into_iter().map(alike).collect())
    })
    .await?;
    Ok(Json(SimilarPhotos { model: name, photos }))
}

fn alike(SimilarPhoto { photo, similarity }: SimilarPhoto<'_>) -> Alike {
    Alike {
        path: photo.path.clone(),
        sha256: photo.sha256.clone(),
        label: photo.label.clone(),
        split: photo.split.to_string(),
        similarity,
    }
}
