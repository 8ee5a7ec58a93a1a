//! The HTTP interface for programs.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use kennel_explain::{overlay, png};
use kennel_infer::Row;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::admission::Admitted;
use crate::hosted::Hosted;
use crate::metrics;
use crate::models::Kind;
use crate::openapi::{Description, Form, Misnamed, Photo, RefusedPhoto, Tokenless};
use crate::photos::{NoAnswer, explain as explain_photo, label_all};
use crate::problem::Problem;
use crate::state::Server;
use crate::upload::{self, Uploads};

/// Which model, and what of its answer.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PredictQuery {
    /// Name of the model; the first by default.
    model: Option<String>,
    /// Number of classes to list for each photo; 5 by default.
    #[param(minimum = 1, maximum = 4_294_967_295_u32)]
    top: Option<u32>,
    /// Give no label below this probability; 0 by default.
    #[param(minimum = 0, maximum = 1)]
    min_confidence: Option<f64>,
}

/// Which model, and which class.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExplainQuery {
    /// Name of the model; the first by default.
    model: Option<String>,
    /// The class to explain; by default the one that the model gives the photo.
    class: Option<String>,
}

/// The labels of photos.
#[derive(Debug, Serialize, ToSchema)]
pub struct Predictions {
    /// Name of the model.
    model: String,
    /// One for each photo, in their order.
    predictions: Vec<Prediction>,
}

/// The label of a photo, or why it has none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Prediction {
    /// The photo was labelled.
    Seen {
        /// Name of the photo, as the client gave it.
        path: String,
        /// The class with the highest probability; null below `min_confidence`, or if the photo is
        /// unknown.
        #[schema(required = true)]
        label: Option<String>,
        /// Probability of that class.
        probability: f64,
        /// The best classes, best first.
        top: Vec<Ranked>,
        /// Whether it shows none of the classes; absent if the model cannot tell.
        #[serde(skip_serializing_if = "Option::is_none")]
        unknown: Option<bool>,
        /// How far it lies from known photos, which are near 1; null if that is no number.
        #[serde(skip_serializing_if = "Option::is_none")]
        unknown_score: Option<f64>,
        /// What was noted when the photo was decoded.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        #[schema(required = false)]
        notes: Vec<String>,
    },
    /// The photo could not be read, or not be labelled.
    Unreadable {
        /// Name of the photo, as the client gave it.
        path: String,
        /// The reason.
        error: String,
    },
}

/// A class with its probability.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ranked {
    /// Name of the class.
    label: String,
    /// Its probability.
    probability: f64,
}

/// The models that are served.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelList {
    /// The models; the first answers unless another is asked for.
    models: Vec<ModelInfo>,
}

/// A model that is served.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelInfo {
    /// Its name.
    name: String,
    /// `run` or `onnx`.
    kind: String,
    /// Names of its classes.
    class_names: Vec<String>,
    /// Whether it tells photos of none of its classes.
    tells_unknown: bool,
    /// Whether it can show where the evidence lies.
    explains: bool,
    /// Temperature of its softmax.
    temperature: f64,
    /// Side of its input in pixels; absent if it takes photos as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    side_px: Option<u32>,
}

/// Whether the server answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: String,
    /// Version of the program.
    version: String,
}

/// Labels photos.
///
/// The body is a photo, or a form with up to 64. A photo of a form that cannot be read has its
/// reason in its place.
#[utoipa::path(
    post,
    path = "/v1/predict",
    params(PredictQuery),
    request_body(content(
        (Form = "multipart/form-data"),
        (Photo = "image/jpeg"),
        (Photo = "application/octet-stream"),
    )),
    responses(
        (status = 200, description = "The labels", body = Predictions),
        Misnamed,
        Tokenless,
        RefusedPhoto,
    )
)]
pub async fn predict(
    State(server): State<Server>,
    asked: Result<Query<PredictQuery>, QueryRejection>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Result<Json<Predictions>, Problem> {
    let Query(asked) = asked.map_err(|refused| Problem::bad(refused.body_text()))?;
    let least = asked.min_confidence.unwrap_or(0.0);
    if asked.top == Some(0) {
        return Err(Problem::bad("top is 0, expected at least 1"));
    }
    if !(0.0..=1.0).contains(&least) {
        return Err(Problem::bad(format!("min_confidence is {least}, expected 0 to 1")));
    }
    let (_, model) = server.models.asked(asked.model.as_deref())?;
    let (photos, is_form) = match upload::read(request, &server.limits).await? {
        Uploads::One(photo) => (vec![photo], false),
        Uploads::Form(photos) => (photos, true),
    };
    let names: Vec<String> = photos.iter().map(|photo| photo.name.clone()).collect();
    let labelled = label_all(&server, &model, photos, &admitted);
    let labelled = in_time(server.limits.answer, labelled).await?;
    let top = asked.top.map_or(5, |top| top as usize).min(model.about().class_names.len());
    let mut predictions = Vec::with_capacity(labelled.len());
    for (name, row) in names.into_iter().zip(labelled) {
        let found = row.and_then(|row| Prediction::of(row, &model, top, least));
        let outcome = match &found {
            Ok(_) => "labelled",
            Err(NoAnswer::Photo(_)) => "unreadable",
            Err(NoAnswer::Failed(_)) => "failed",
        };
        server.metrics.photo(model.name(), outcome);
        predictions.push(match found {
            Ok(prediction) => prediction,
            Err(NoAnswer::Photo(error)) if is_form => {
                Prediction::Unreadable { path: name, error: error.to_string() }
            }
            Err(none) => return Err(none.into()),
        });
    }
    Ok(Json(Predictions { model: model.name().into(), predictions }))
}

impl Prediction {
    fn of(row: Row, model: &Hosted, top: usize, least: f64) -> Result<Self, NoAnswer> {
        let about = model.about();
        let failed = |error: kennel_infer::InferError| NoAnswer::Failed(error.to_string().into());
        let scores = row.scores.map_err(failed)?;
        let ranked = scores.rank(&about.class_names, about.temperature, top).map_err(failed)?;
        let (best, probability) = (ranked[0].label.clone(), ranked[0].probability);
        let is_known = row.unknown.is_none_or(|unknown| !unknown.is_unknown);
        Ok(Prediction::Seen {
            path: row.photo,
            label: (is_known && probability >= least).then_some(best),
            probability,
            top: ranked
                .into_iter()
                .map(|class| Ranked { label: class.label, probability: class.probability })
                .collect(),
            unknown: row.unknown.map(|unknown| unknown.is_unknown),
            unknown_score: row.unknown.map(|unknown| unknown.score),
            notes: row.notes.iter().map(ToString::to_string).collect(),
        })
    }
}

/// Shows where in a photo the evidence for a class lies.
///
/// The answer is a picture: the square of the photo that the model sees, with the heat over it.
#[utoipa::path(
    post,
    path = "/v1/explain",
    params(ExplainQuery),
    request_body(content(
        (Photo = "image/jpeg"),
        (Photo = "application/octet-stream"),
        (Form = "multipart/form-data"),
    )),
    responses(
        (status = 200, description = "The picture", body = Photo, content_type = "image/png"),
        Misnamed,
        Tokenless,
        RefusedPhoto,
    )
)]
pub async fn explain(
    State(server): State<Server>,
    asked: Result<Query<ExplainQuery>, QueryRejection>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Result<Response, Problem> {
    let Query(asked) = asked.map_err(|refused| Problem::bad(refused.body_text()))?;
    let (kind, model) = server.models.asked(asked.model.as_deref())?;
    if kind == Kind::Onnx {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(Problem::new(status, "an ONNX file has no gradients; a run can explain"));
    }
    let class_names = &model.about().class_names;
    let class_index = match &asked.class {
        None => None,
        Some(class) => {
            Some(class_names.iter().position(|name| name == class).ok_or_else(|| {
                Problem::not_found(format!(
                    "no class is called {class:?}; there are {class_names:?}"
                ))
            })?)
        }
    };
    let photo = upload::read(request, &server.limits).await?.into_one()?;
    let limit = server.limits.answer;
    let picture = worked("explaining", limit, async move {
        let explained = explain_photo(&server, &model, photo, class_index).await;
        drop(admitted);
        let explained = explained?.explained;
        let (seen, explained) =
            explained.map_err(|error| NoAnswer::Failed(error.to_string().into()))?;
        Ok(png(&overlay(&seen, &explained.heat)))
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], picture).into_response())
}

/// Works on a request to its end, even if the client hangs up, and waits for the answer.
pub async fn worked<T: Send + 'static>(
    what: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let gave_up = |_| Problem::from(NoAnswer::Failed(format!("{what} gave up").into()));
    in_time(limit, tokio::spawn(work)).await?.map_err(gave_up)?
}

/// Waits for an answer.
async fn in_time<T>(limit: Duration, answer: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(limit, answer).await.map_err(|_| {
        let detail = format!("the model did not answer within {} s", limit.as_secs());
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })
}

/// Lists the models.
#[utoipa::path(get, path = "/v1/models", responses(
    (status = 200, description = "The models", body = ModelList),
    Misnamed,
    Tokenless,
))]
pub async fn models(State(server): State<Server>) -> Json<ModelList> {
    let info = |(kind, model): (Kind, std::sync::Arc<Hosted>)| {
        let about = model.about();
        let preprocessing = about.preprocessing.as_ref();
        ModelInfo {
            name: model.name().into(),
            kind: match kind {
                Kind::Run => "run".into(),
                Kind::Onnx => "onnx".into(),
            },
            class_names: about.class_names.clone(),
            tells_unknown: about.tells_unknown,
            explains: kind == Kind::Run,
            temperature: about.temperature,
            side_px: preprocessing.map(|preprocessing| preprocessing.side_px),
        }
    };
    Json(ModelList { models: server.models.all().into_iter().map(info).collect() })
}

/// Whether the server answers. Needs no token.
#[utoipa::path(get, path = "/healthz", responses(
    (status = 200, description = "It answers", body = Health),
    Misnamed,
))]
pub async fn health() -> Json<Health> {
    Json(Health { status: "ok".into(), version: env!("CARGO_PKG_VERSION").into() })
}

/// Counts of requests, photos and batches for Prometheus.
#[utoipa::path(get, path = "/metrics", responses(
    (
        status = 200,
        description = "OpenMetrics",
        body = String,
        content_type = "application/openmetrics-text"
    ),
    Misnamed,
    Tokenless,
))]
pub async fn metrics(State(server): State<Server>) -> Response {
    let text = server.metrics.text(server.admission.in_work());
    ([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response()
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", responses(
    (status = 200, description = "OpenAPI", body = serde_json::Value),
    Misnamed,
    Tokenless,
))]
pub async fn description() -> Response {
    Json(Description::openapi()).into_response()
}
