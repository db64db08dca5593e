//! Functions that DataFusion has not, each over columns of one type.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use datafusion::physical_expr_common::datum::apply;
use worldstore_core::Error;

use crate::error::to_datafusion;

/// What a whole number is added by, and its like: an error where the result does not fit 64 bits.
pub(crate) const ADD: &str = "add_whole";
pub(crate) const SUBTRACT: &str = "subtract_whole";
pub(crate) const MULTIPLY: &str = "multiply_whole";

static WHOLE: LazyLock<[Arc<ScalarUDF>; 3]> = LazyLock::new(|| {
    [ADD, SUBTRACT, MULTIPLY].map(|name| Function::shared(name, vec![DataType::Int64; 2], DataType::Int64, whole))
});

static RANK: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    Function::shared("float_rank", vec![DataType::Float64], DataType::Int64, |_, arguments| {
        let ranks = |values: &ArrayRef| values.as_primitive::<Float64Type>().unary::<_, Int64Type>(rank_of);
        by_rows(arguments, |values| Arc::new(ranks(values) as Int64Array))
    })
});

static FLOAT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    Function::shared("float_of_rank", vec![DataType::Int64], DataType::Float64, |_, arguments| {
        let floats = |ranks: &ArrayRef| ranks.as_primitive::<Int64Type>().unary::<_, Float64Type>(float_of);
        by_rows(arguments, |ranks| Arc::new(floats(ranks) as Float64Array))
    })
});

static ONCE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    Function::shared("once", vec![DataType::Int64, DataType::Utf8], DataType::Boolean, |_, arguments| {
        let [ColumnarValue::Array(numbers), ColumnarValue::Scalar(key)] = arguments else {
            return datafusion::common::internal_err!("numbers and the name of a key are taken");
        };
        if numbers.as_primitive::<Int64Type>().iter().flatten().any(|number| number > 1) {
            return Err(to_datafusion(Error::invalid("key is there twice").with("key", key)));
        }
        Ok(ColumnarValue::Scalar(ScalarValue::from(true)))
    })
});

/// True where this many rows of a key are one; where they are more, the query fails.
pub(crate) fn once(number: Expr, key: &str) -> Expr {
    ONCE.call(vec![number, lit(key)])
}

/// `name` of two whole numbers of 64 bits.
pub(super) fn of_whole(name: &str, one: Expr, other: Expr) -> Option<Expr> {
    let function = WHOLE.iter().find(|function| function.name() == name)?;
    Some(function.call(vec![one, other]))
}

/// The place of a float of 64 bits among all of them: both zeros have one, and NaN the greatest.
pub(super) fn rank(value: Expr) -> Expr {
    RANK.call(vec![value])
}

/// The float at a place.
pub(super) fn float_of_rank(value: Expr) -> Expr {
    FLOAT.call(vec![value])
}

fn rank_of(value: f64) -> i64 {
    // A negative zero and a zero make a zero.
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    turned(value.to_bits() as i64)
}

fn float_of(rank: i64) -> f64 {
    f64::from_bits(turned(rank) as u64)
}

/// The greater a negative float's bits, the smaller it is; done twice, it is undone.
fn turned(bits: i64) -> i64 {
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

fn whole(name: &str, arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let [one, other] = arguments else { return datafusion::common::internal_err!("`{name}` takes two numbers") };
    match name {
        ADD => apply(one, other, numeric::add),
        SUBTRACT => apply(one, other, numeric::sub),
        _ => apply(one, other, numeric::mul),
    }
}

fn by_rows(arguments: &[ColumnarValue], function: impl Fn(&ArrayRef) -> ArrayRef) -> Result<ColumnarValue> {
    match arguments {
        [ColumnarValue::Array(values)] => Ok(ColumnarValue::Array(function(values))),
        [ColumnarValue::Scalar(value)] => {
            let one = function(&value.to_array()?);
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?))
        }
        _ => datafusion::common::internal_err!("one value is taken"),
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
