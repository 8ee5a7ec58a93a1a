//! A [`Backbone`] behind `dyn`, so that [`crate::Network`] holds any family.
//!
//! Burn's `Module` is generic over its visitors and `Backbone` over its operations; neither can
//! stand behind `dyn`. Here each of the two operations has methods of its own, and visitors pass
//! through `Any`.

use std::any::Any;
use std::fmt::Debug;
use std::ops::Range;

use burn::module::{Devices, Flag, Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};

use crate::backbone::{Backbone, Initial};
use crate::describer::Describer;
use crate::graph::GraphValue;
use crate::layers::{Dropout, Eager, Linear};
use crate::stage::Stage;
use crate::value::{FeatureTensor, ValueOf};

/// The methods of [`Backbone`] and of Burn's `Module`, without type parameters.
pub(crate) trait ErasedBackbone: Debug + Send + Sync {
    fn stages(&self) -> Vec<Stage>;
    fn partial(&self) -> Vec<String>;
    fn rate_layers(&self) -> Vec<Vec<String>>;
    fn late_stages(&self) -> Range<usize>;
    fn no_weight_decay(&self) -> &'static [&'static str];
    fn head_drop(&self) -> &Dropout;
    fn classifier(&self) -> &Linear;
    fn initial(&self, name: &str, shape: &[usize]) -> Initial;
    fn compute_stage(&self, index: usize, x: FeatureTensor) -> FeatureTensor;
    fn explained_stage(&self) -> usize;
    fn other_tokens(&self) -> usize;
    fn compute_explained(
        &self,
        x: FeatureTensor,
        watch: &mut dyn FnMut(FeatureTensor) -> FeatureTensor,
    ) -> FeatureTensor;
    fn compute_pre_logits(&self, x: FeatureTensor) -> Tensor<4>;
    fn describe_stage(
        &self,
        describer: &mut Describer,
        index: usize,
        x: ValueOf<Describer>,
    ) -> ValueOf<Describer>;
    fn describe_pre_logits(&self, describer: &mut Describer, x: ValueOf<Describer>) -> GraphValue;

    fn boxed_clone(&self) -> Box<dyn ErasedBackbone>;
    fn collect_devices(&self, devices: Devices) -> Devices;
    fn fork(self: Box<Self>, device: &Device) -> Box<dyn ErasedBackbone>;
    fn to_device(self: Box<Self>, device: &Device) -> Box<dyn ErasedBackbone>;
    fn train(self: Box<Self>) -> Box<dyn ErasedBackbone>;
    fn valid(&self) -> Box<dyn ErasedBackbone>;
    fn materialize(self: Box<Self>) -> Box<dyn ErasedBackbone>;
    fn visit(&self, visitor: &mut dyn ErasedVisitor);
    fn map(self: Box<Self>, mapper: &mut dyn ErasedMapper) -> Box<dyn ErasedBackbone>;
}

impl<B: Backbone> ErasedBackbone for B {
    fn stages(&self) -> Vec<Stage> {
        Backbone::stages(self)
    }

    fn partial(&self) -> Vec<String> {
        Backbone::partial(self)
    }

    fn rate_layers(&self) -> Vec<Vec<String>> {
        Backbone::rate_layers(self)
    }

    fn late_stages(&self) -> Range<usize> {
        Backbone::late_stages(self)
    }

    fn no_weight_decay(&self) -> &'static [&'static str] {
        Backbone::no_weight_decay(self)
    }

    fn head_drop(&self) -> &Dropout {
        Backbone::head_drop(self)
    }

    fn classifier(&self) -> &Linear {
        Backbone::classifier(self)
    }

    fn initial(&self, name: &str, shape: &[usize]) -> Initial {
        Backbone::initial(self, name, shape)
    }

    fn compute_stage(&self, index: usize, x: FeatureTensor) -> FeatureTensor {
        self.forward_stage(&mut Eager, index, x)
    }

    fn explained_stage(&self) -> usize {
        Backbone::explained_stage(self)
    }

    fn other_tokens(&self) -> usize {
        Backbone::other_tokens(self)
    }

    fn compute_explained(
        &self,
        x: FeatureTensor,
        watch: &mut dyn FnMut(FeatureTensor) -> FeatureTensor,
    ) -> FeatureTensor {
        self.forward_explained(&mut Eager, x, watch)
    }

    fn compute_pre_logits(&self, x: FeatureTensor) -> Tensor<4> {
        self.pre_logits(&mut Eager, x)
    }

    fn describe_stage(
        &self,
        describer: &mut Describer,
        index: usize,
        x: ValueOf<Describer>,
    ) -> ValueOf<Describer> {
        self.forward_stage(describer, index, x)
    }

    fn describe_pre_logits(&self, describer: &mut Describer, x: ValueOf<Describer>) -> GraphValue {
        self.pre_logits(describer, x)
    }

    fn boxed_clone(&self) -> Box<dyn ErasedBackbone> {
        Box::new(self.clone())
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        Module::collect_devices(self, devices)
    }

    fn fork(self: Box<Self>, device: &Device) -> Box<dyn ErasedBackbone> {
        Box::new(Module::fork(*self, device))
    }

    fn to_device(self: Box<Self>, device: &Device) -> Box<dyn ErasedBackbone> {
        Box::new(Module::to_device(*self, device))
    }

    fn train(self: Box<Self>) -> Box<dyn ErasedBackbone> {
        Box::new(Module::train(*self))
    }

    fn valid(&self) -> Box<dyn ErasedBackbone> {
        Box::new(Module::valid(self))
    }

    fn materialize(self: Box<Self>) -> Box<dyn ErasedBackbone> {
        Box::new(Module::materialize(*self))
    }

    fn visit(&self, visitor: &mut dyn ErasedVisitor) {
        Module::visit(self, &mut VisitorOf(visitor));
    }

    fn map(self: Box<Self>, mapper: &mut dyn ErasedMapper) -> Box<dyn ErasedBackbone> {
        Box::new(Module::map(*self, &mut MapperOf(mapper)))
    }
}

impl Clone for Box<dyn ErasedBackbone> {
    fn clone(&self) -> Self {
        self.as_ref().boxed_clone()
    }
}

/// A `ModuleVisitor` without type parameters. `param` is a `Param<Tensor<D>>`.
pub(crate) trait ErasedVisitor {
    fn enter(&mut self, name: &str, container_type: &str);
    fn exit(&mut self, name: &str, container_type: &str);
    fn float(&mut self, param: &dyn Any);
    fn flag(&mut self, flag: &Param<Flag>);
}

/// A `ModuleMapper` without type parameters. `param` and the result are the same
/// `Param<Tensor<D>>`.
pub(crate) trait ErasedMapper {
    fn enter(&mut self, name: &str, container_type: &str);
    fn exit(&mut self, name: &str, container_type: &str);
    fn float(&mut self, param: Box<dyn Any>) -> Box<dyn Any>;
    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag>;
}

/// Calls the visitor with the rank that the tensor has.
impl<V: ModuleVisitor> ErasedVisitor for V {
    fn enter(&mut self, name: &str, container_type: &str) {
        self.enter_module(name, container_type);
    }

    fn exit(&mut self, name: &str, container_type: &str) {
        self.exit_module(name, container_type);
    }

    fn float(&mut self, param: &dyn Any) {
        let is_visited = visited::<V, 1>(self, param)
            || visited::<V, 2>(self, param)
            || visited::<V, 3>(self, param)
            || visited::<V, 4>(self, param);
        assert!(is_visited, "tensors of networks have one to four axes");
    }

    fn flag(&mut self, flag: &Param<Flag>) {
        self.visit_flag(flag);
    }
}

/// Visits a parameter if its rank is `D`.
fn visited<V: ModuleVisitor, const D: usize>(visitor: &mut V, param: &dyn Any) -> bool {
    let param = param.downcast_ref::<Param<Tensor<D>>>();
    param.inspect(|param| visitor.visit_float(param)).is_some()
}

/// Calls the mapper with the rank that the tensor has.
impl<M: ModuleMapper> ErasedMapper for M {
    fn enter(&mut self, name: &str, container_type: &str) {
        self.enter_module(name, container_type);
    }

    fn exit(&mut self, name: &str, container_type: &str) {
        self.exit_module(name, container_type);
    }

    fn float(&mut self, param: Box<dyn Any>) -> Box<dyn Any> {
        mapped::<M, 1>(self, param)
            .or_else(|param| mapped::<M, 2>(self, param))
            .or_else(|param| mapped::<M, 3>(self, param))
            .or_else(|param| mapped::<M, 4>(self, param))
            .expect("tensors of networks have one to four axes")
    }

    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.map_flag(flag)
    }
}

/// Maps a parameter if its rank is `D`; otherwise gives it back as the error.
fn mapped<M: ModuleMapper, const D: usize>(
    mapper: &mut M,
    param: Box<dyn Any>,
) -> Result<Box<dyn Any>, Box<dyn Any>> {
    let param = param.downcast::<Param<Tensor<D>>>()?;
    Ok(Box::new(mapper.map_float(*param)))
}

struct VisitorOf<'a>(&'a mut dyn ErasedVisitor);

impl ModuleVisitor for VisitorOf<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.0.enter(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.0.exit(name, container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.float(param);
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.flag(flag);
    }
}

struct MapperOf<'a>(&'a mut dyn ErasedMapper);

impl ModuleMapper for MapperOf<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.0.enter(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.0.exit(name, container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        *self.0.float(Box::new(param)).downcast().expect("a mapper keeps the rank")
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.0.flag(flag)
    }
}
