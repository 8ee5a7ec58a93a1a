//! Reads and replaces a network's tensors by timm's names.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};

use crate::layers::NUMBERED;

/// A tensor's shape and values, in PyTorch's layout.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorValue {
    /// Size of each axis.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub data: Vec<f32>,
}

impl TensorValue {
    /// Copies a tensor's values.
    pub(crate) fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        let data = tensor.into_data().try_into_vec::<f32>().expect("networks are f32");
        TensorValue { shape, data }
    }
}

/// Tensors by name, sorted.
pub type StateDict = BTreeMap<String, TensorValue>;

/// Whether a tensor is a running statistic: part of the state, but not trained by gradient.
pub fn is_buffer(name: &str) -> bool {
    name.ends_with(".running_mean") || name.ends_with(".running_var")
}

/// Copies every tensor out of `module`.
pub fn state_dict<M: Module>(module: &M) -> StateDict {
    tensors(module, |_| true)
}

/// Copies the running statistics whose names are `wanted`.
pub fn running_statistics<M: Module>(module: &M, wanted: impl Fn(&str) -> bool) -> StateDict {
    tensors(module, |name| is_buffer(name) && wanted(name))
}

fn tensors<M: Module>(module: &M, wanted: impl Fn(&str) -> bool) -> StateDict {
    let mut collector = Collector { path: NamePath::default(), tensors: StateDict::new(), wanted };
    // `valid` applies pending updates of running statistics.
    module.valid().visit(&mut collector);
    collector.tensors
}

/// Replaces tensors of `module` by name. Tensors that are not in `tensors` stay. Each tensor stays
/// on or off the autodiff tape.
///
/// # Panics
///
/// When a shape differs. The loader checks shapes first.
pub fn apply_state_dict<M: Module>(module: M, tensors: &StateDict) -> M {
    module.map(&mut Applier { path: NamePath::default(), tensors })
}

/// Returns the names of the trainable tensors, in the module's order.
pub(crate) fn parameter_names<M: Module>(module: &M) -> Vec<String> {
    names_by_id(module).into_iter().map(|(_, name)| name).filter(|name| !is_buffer(name)).collect()
}

/// Returns the parameter id and the name of every tensor, in the module's order.
pub(crate) fn names_by_id<M: Module>(module: &M) -> Vec<(ParamId, String)> {
    let mut collector = Names::default();
    module.visit(&mut collector);
    collector.names
}

/// The path of a visitor in a module.
#[derive(Default)]
pub struct NamePath(Vec<Part>);

/// A part of the path.
enum Part {
    /// Stands in timm's names.
    Named(String),
    /// Does not: Burn also enters the variants of enums.
    Silent,
    /// The field of a `Numbered`, whose elements have names of this prefix and a number from 1.
    Numbering(String),
}

impl NamePath {
    /// Enters a field.
    pub fn enter(&mut self, name: &str, container_type: &str) {
        let part = if container_type.starts_with("Enum:") {
            Part::Silent
        } else if container_type == NUMBERED {
            Part::Numbering(name.into())
        } else if let Some(Part::Numbering(prefix)) = self.0.last() {
            let index: usize = name.parse().expect("elements of a sequence have an index");
            Part::Named(format!("{prefix}{}", index + 1))
        } else {
            Part::Named(name.into())
        };
        self.0.push(part);
    }

    /// Leaves the field.
    pub fn exit(&mut self) {
        self.0.pop();
    }

    /// Returns timm's name of the current tensor.
    pub fn name(&self) -> String {
        let named = self.0.iter().filter_map(|part| match part {
            Part::Named(name) => Some(name.as_str()),
            Part::Silent | Part::Numbering(_) => None,
        });
        named.collect::<Vec<_>>().join(".")
    }
}

struct Collector<F> {
    path: NamePath,
    tensors: StateDict,
    wanted: F,
}

impl<F: Fn(&str) -> bool> ModuleVisitor for Collector<F> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        if (self.wanted)(&name) {
            self.tensors.insert(name, TensorValue::of(param.val()));
        }
    }
}

#[derive(Default)]
struct Names {
    path: NamePath,
    names: Vec<(ParamId, String)>,
}

impl ModuleVisitor for Names {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.names.push((param.id, self.path.name()));
    }
}

struct Applier<'a> {
    path: NamePath,
    tensors: &'a StateDict,
}

impl ModuleMapper for Applier<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(value) = self.tensors.get(&name) else { return param };
        param.map(|old| {
            let shape: [usize; D] = value.shape.clone().try_into().expect("rank was checked");
            assert_eq!(old.dims(), shape, "shape of {name}");
            let data = TensorData::new(value.data.clone(), shape);
            let new = Tensor::from_data(data, &old.device().without_autodiff());
            if old.is_autodiff() {
                new.autodiff().set_require_grad(old.is_require_grad())
            } else {
                new
            }
        })
    }
}
