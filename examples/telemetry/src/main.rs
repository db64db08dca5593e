//! Spans and metrics of a world, exported with OpenTelemetry to standard output: in this folder, `cargo run`.
//!
//! With `opentelemetry-otlp` in the place of `opentelemetry-stdout` they go to any collector.

#![allow(clippy::print_stdout, reason = "an example speaks through it")]

use std::collections::BTreeSet;
use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use worldstore::arrow::array::{ArrayRef, Float64Array, RecordBatch, UInt64Array};
use worldstore::telemetry::{self, Metric, MetricKind};
use worldstore::{World, WorldOptions};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<(), Failure> {
    let spans =
        SdkTracerProvider::builder().with_simple_exporter(opentelemetry_stdout::SpanExporter::default()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(spans.tracer("worldstore"));
    let ours = tracing_subscriber::filter::Targets::new().with_target("worldstore", tracing::Level::DEBUG);
    tracing_subscriber::registry().with(layer).with(ours).try_init()?;
    let meters =
        SdkMeterProvider::builder().with_periodic_exporter(opentelemetry_stdout::MetricExporter::default()).build();

    let world = World::create("memory:", &WorldOptions::default()).await?;
    let run = world.run("main").await?;
    for tick in 1..=3 {
        let entity: ArrayRef = Arc::new(UInt64Array::from(vec![7, 8]));
        let x: ArrayRef = Arc::new(Float64Array::from(vec![tick as f64, -1.0]));
        let _ = run.append(tick, "position", &RecordBatch::try_from_iter([("entity", entity), ("x", x)])?).await?;
    }
    world.flush().await?;
    println!("{} rows", run.now().count("position").await?);
    observe(&world, &meters);
    meters.force_flush()?;
    world.shutdown().await?;
    spans.shutdown()?;
    meters.shutdown()?;
    Ok(())
}

/// What the world's cache, log, tables and byte store say of themselves.
fn figures(world: &World) -> Vec<Metric> {
    let of_cache = world.stats().iter().flat_map(telemetry::of_cache).collect::<Vec<_>>();
    of_cache.into_iter().chain(telemetry::of_store(&world.store_stats())).collect()
}

/// Reads the figures of the world whenever metrics are exported.
fn observe(world: &World, meters: &SdkMeterProvider) {
    let meter = meters.meter("worldstore");
    let mut seen = BTreeSet::new();
    // One instrument for each name; what differs by attribute is told by it.
    for metric in figures(world).into_iter().filter(|metric| seen.insert(metric.name)) {
        let (world, name) = (world.clone(), metric.name);
        let read = move |told: &mut dyn FnMut(f64, Vec<KeyValue>)| {
            for metric in figures(&world).into_iter().filter(|metric| metric.name == name) {
                let attributes = metric.attribute.map(|(key, value)| KeyValue::new(key, value));
                told(metric.value, attributes.into_iter().collect());
            }
        };
        match metric.kind {
            MetricKind::Counter => {
                let counter = meter.f64_observable_counter(name).with_unit(metric.unit);
                counter.with_callback(move |observer| read(&mut |value, of| observer.observe(value, &of))).build();
            }
            MetricKind::Gauge => {
                let gauge = meter.f64_observable_gauge(name).with_unit(metric.unit);
                gauge.with_callback(move |observer| read(&mut |value, of| observer.observe(value, &of))).build();
            }
        }
    }
}
