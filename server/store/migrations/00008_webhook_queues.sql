-- +goose Up
-- Dead letters of a queue are not in the way of what waits behind them.
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (queue, position) WHERE state = 'waiting';
DROP INDEX webhook_deliveries_queue;

-- +goose Down
CREATE INDEX webhook_deliveries_queue ON webhook_deliveries (queue, position);
DROP INDEX webhook_deliveries_waiting;
