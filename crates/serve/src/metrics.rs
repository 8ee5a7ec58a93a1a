//! Counts for Prometheus.

use std::sync::Arc;
use std::time::Duration;

use kennel_infer::BATCH;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counts requests, photos and batches.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
    photos: Family<PhotoLabels, Counter>,
    batches: Family<ModelLabels, Histogram>,
    in_work: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhotoLabels {
    model: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    model: String,
}

impl Metrics {
    /// Begins at zero.
    pub fn new() -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let photos = || Histogram::new(exponential_buckets(1.0, 2.0, BATCH.ilog2() as u16 + 1));
        let mut registry = Registry::with_prefix("kennel");
        let metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(seconds),
            photos: Family::default(),
            batches: Family::new_with_constructor(photos),
            in_work: Gauge::default(),
        };
        registry.register("requests", "Requests by route and status", metrics.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time from the headers of a request to its answer",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        registry.register("photos", "Photos by model and outcome", metrics.photos.clone());
        registry.register(
            "batch_photos",
            "Photos that were labelled together",
            metrics.batches.clone(),
        );
        registry.register("requests_in_work", "Requests in work", metrics.in_work.clone());
        Self { registry: Arc::new(registry), ..metrics }
    }

    /// Counts an answered request.
    pub fn request(&self, route: &str, status: u16, took: Duration) {
        let labels = RequestLabels { route: route.into(), status };
        self.requests.get_or_create(&labels).inc();
        let labels = RouteLabels { route: route.into() };
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts a photo.
    pub fn photo(&self, model: &str, outcome: &'static str) {
        self.photos.get_or_create(&PhotoLabels { model: model.into(), outcome }).inc();
    }

    /// Counts a batch.
    pub fn batch(&self, model: &str, photos: usize) {
        self.batches.get_or_create(&ModelLabels { model: model.into() }).observe(photos as f64);
    }

    /// Renders everything as OpenMetrics.
    pub fn text(&self, in_work: usize) -> String {
        self.in_work.set(in_work as i64);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }
}
