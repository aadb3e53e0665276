/* What can go wrong on the way to a connected terminal: MetaTrader's number, and the words for it (`cure.<number>`). */

export const CURES = {
  allow: ['4014', '5200', '5201', '5202', '5203', '1001', '4060'],
  token: ['401', '403', '404'],
  account: ['423', '409', '429', '503', '5002'],
  prices: ['prices', '10021', '10018'],
  positions: ['positions', '413'],
  dry: ['10019', '10014', '10016', '10030'],
  arm: ['10027', '10026', '4752', '10017', 'DEMO_ONLY'],
};
