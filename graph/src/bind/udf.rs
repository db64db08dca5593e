//! Functions that DataFusion has not, each over columns of one type.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use arrow::compute::kernels::numeric;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr_common::datum::apply;

/// What a whole number is added by, and its like: an error where the result does not fit 64 bits.
pub(crate) const ADD: &str = "add_whole";
pub(crate) const SUBTRACT: &str = "subtract_whole";
pub(crate) const MULTIPLY: &str = "multiply_whole";

static WHOLE: LazyLock<[Arc<ScalarUDF>; 3]> = LazyLock::new(|| {
    [ADD, SUBTRACT, MULTIPLY].map(|name| Function::shared(name, vec![DataType::Int64; 2], DataType::Int64, whole))
});

/// `name` of two whole numbers of 64 bits.
pub(super) fn of_whole(name: &str, one: Expr, other: Expr) -> Option<Expr> {
    let function = WHOLE.iter().find(|function| function.name() == name)?;
    Some(function.call(vec![one, other]))
}

fn whole(name: &str, arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let [one, other] = arguments else { return datafusion::common::internal_err!("`{name}` takes two numbers") };
    match name {
        ADD => apply(one, other, numeric::add),
        SUBTRACT => apply(one, other, numeric::sub),
        _ => apply(one, other, numeric::mul),
    }
}

type Work = fn(&str, &[ColumnarValue]) -> Result<ColumnarValue>;

/// A function; its name tells it from others.
#[derive(Debug)]
struct Function {
    name: &'static str,
    signature: Signature,
    gives: DataType,
    work: Work,
}

impl Function {
    fn shared(name: &'static str, takes: Vec<DataType>, gives: DataType, work: Work) -> Arc<ScalarUDF> {
        let signature = Signature::exact(takes, Volatility::Immutable);
        Arc::new(ScalarUDF::from(Self { name, signature, gives, work }))
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.gives.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        (self.work)(self.name, &args.args)
    }
}
