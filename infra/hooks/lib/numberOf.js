// @ts-check

/**
 * @param {string} name of a variable
 * @param {number} usual the value without the variable, and in the place of a value that is not a positive number
 */
export function numberOf(name, usual) {
  const value = Number(process.env[name] || usual);
  return value > 0 ? value : usual;
}
