-- A platform that serves several campuses makes them over HTTP, by keys that were issued for it.
--
-- OrderService may store a new campus; what a campus is called in tokens and whether it is a test it can never change afterwards.

grant insert (id, code, name, timezone, is_test, settings) on campus.campus to order_service;
