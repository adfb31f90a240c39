// Made by `npm run schema` from the OpenAPI document of the API; not to be edited.

export interface paths {
    "/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List orders
         * @description Orders that fit all filters, the newest first. If there are more, `Link` leads to the next page, with the
         *     same filters; orders that come in the meantime are on no later page.
         */
        get: operations["list_orders"];
        put?: never;
        /**
         * Take an order
         * @description The order is committed before the answer comes. With an `Idempotency-Key` the request can be repeated: the
         *     order is taken once, and every repetition is answered as the first time. After a 503 the order was not taken;
         *     after a 504 that is not known, and the same request with the same key finds out.
         */
        post: operations["create_order"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders/counts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count orders
         * @description How many orders are in each status, all as of one moment.
         */
        get: operations["count_orders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders/{order_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look at an order
         * @description The order as it stands. With `wait=final` the answer comes as soon as the order is CONFIRMED or CANCELLED, or
         *     after `timeout_s`, then with the order as it stands.
         */
        get: operations["get_order"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/analytics/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Orders by the minute and by SKU
         * @description Of the last `minutes`, the present one included: totals, each minute (oldest first), and the SKUs with the
         *     most orders. Every order is counted once when it is created and once when it is final, in the minutes in
         *     which that happened; amounts and quantities are those of created orders.
         */
        get: operations["analytics_summary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders/{order_id}/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The steps of an order
         * @description Every step of an order: when it happened, how long after the step before, what it said and where in the log
         *     it is. Steps that have not happened are listed with the state `waiting`; `waiting_for` says in a sentence
         *     what the first of them waits for. A step whose event is parked says so in its `reason`.
         */
        get: operations["order_timeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/orders/{order_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The raw events of an order
         * @description The events of an order as they were written: those that the log still has, then those that wait in the
         *     outbox, which have no partition and offset yet. An event that no service has noted yet is looked for in a
         *     bounded stretch of the log. When Kafka cannot be read, `note` says so and the outbox is all there is.
         */
        get: operations["order_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pipeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The pipeline now
         * @description Figures of every topic, consumer group, the outbox and parked events, at most 2 seconds old. What is not known is null: a lag where nothing was committed, and what an outage hides.
         */
        get: operations["pipeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/pipeline/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The last quarter of an hour of the pipeline
         * @description Figures by time, as columns of one length. They begin when this process did.
         */
        get: operations["pipeline_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Live feed of orders and pipeline
         * @description Server-sent events, made for a browser's `EventSource`:
         *
         *     * `hello` (`{"server_time"}`) comes first;
         *     * `changes` (`{"changes", "omitted"}`), 2 to 4 a second at most: orders that were accepted (`kind` `created`)
         *       and transitions (`kind` `changed`), 200 at most; with `omitted` above 0 there were more, and lists have to
         *       be read again. A change may be told twice and in any order; the higher `order_version` is right;
         *     * `pipeline`, every 2 seconds: what `GET /pipeline` answers;
         *     * `reset` (`{"reason"}`): what the client has cannot be brought up to date, everything has to be read again.
         *
         *     The stream stays open. A client that was cut off sends the last id it saw as `Last-Event-ID`, as `EventSource`
         *     does by itself, and is told what it missed.
         */
        get: operations["events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This description
         * @description The HTTP interface as an OpenAPI 3.1 document.
         */
        get: operations["openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/asyncapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The events
         * @description Topics, events and who sends and receives them, as an AsyncAPI 3.0 document.
         */
        get: operations["asyncapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The API reference
         * @description A page that shows this description and sends requests.
         */
        get: operations["page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process lives
         * @description For whoever restarts processes: it says that the event loop turns, and nothing more.
         */
        get: operations["livez"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the process is ready
         * @description A line per role and dependency, with its state.
         */
        get: operations["readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics
         * @description The metrics of the process, as Prometheus reads them.
         */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the server answers
         * @description The word `ok`, for older clients; `/readyz` says more.
         */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** AcceptedOrder */
        AcceptedOrder: {
            id: string;
            customer_email: string;
            item_sku: string;
            quantity: number;
            amount_cents: number;
            /** @constant */
            status: "NEW";
            /** Format: date-time */
            created_at_utc: string;
            /** Format: date-time */
            updated_at_utc: string;
        };
        /** Counts */
        Counts: {
            NEW: number;
            PROCESSING: number;
            CONFIRMED: number;
            CANCELLED: number;
        };
        /** Fault */
        Fault: {
            detail: string;
            /** @default  */
            pointer: string;
            /** @default  */
            header: string;
            /** @default  */
            parameter: string;
        };
        /** GroupFigures */
        GroupFigures: {
            group: string;
            service: string;
            topic: string;
            per_s: number | null;
            lag: number | null;
            lag_s: number | null;
            partitions: components["schemas"]["GroupPartitionFigures"][];
        };
        /** GroupPartitionFigures */
        GroupPartitionFigures: {
            partition: number;
            committed: string | null;
            end: string;
            lag: number | null;
            trend: number | null;
        };
        /** LoggedEvent */
        LoggedEvent: {
            topic: string;
            partition: number | null;
            offset: string | null;
            event_id: string | null;
            event_type: string | null;
            headers: {
                [key: string]: string;
            };
            value: {
                [key: string]: unknown;
            } | string;
        };
        /** Minute */
        Minute: {
            /** Format: date-time */
            minute: string;
            created: number;
            confirmed: number;
            cancelled: number;
        };
        /** Order */
        Order: {
            id: string;
            customer_email: string;
            item_sku: string;
            quantity: number;
            amount_cents: number;
            /** @enum {string} */
            status: "NEW" | "PROCESSING" | "CONFIRMED" | "CANCELLED";
            order_version: number;
            correlation_id: string;
            /** @enum {null|string} */
            payment_status: "PROCESSED" | "FAILED" | null;
            /** @enum {null|string} */
            inventory_status: "RESERVED" | "FAILED" | null;
            /** Format: date-time */
            created_at_utc: string;
            /** Format: date-time */
            updated_at_utc: string;
        };
        /** OrderEvents */
        OrderEvents: {
            events: components["schemas"]["LoggedEvent"][];
            note: string | null;
        };
        /** OutboxFigures */
        OutboxFigures: {
            rows: number | null;
            age_s: number | null;
        };
        /** ParkedFigures */
        ParkedFigures: {
            group: string;
            state: string;
            rows: number;
        };
        /** PartitionFigures */
        PartitionFigures: {
            partition: number;
            end: string;
            per_s: number | null;
        };
        /** PipelineFigures */
        PipelineFigures: {
            /** Format: date-time */
            at: string;
            /** @enum {string} */
            kafka: "ok" | "unavailable";
            /** @enum {string} */
            postgres: "ok" | "unavailable";
            topics: components["schemas"]["TopicFigures"][];
            groups: components["schemas"]["GroupFigures"][];
            outbox: components["schemas"]["OutboxFigures"];
            parked: components["schemas"]["ParkedFigures"][];
            accepted_per_s: number | null;
        };
        /** PipelineHistory */
        PipelineHistory: {
            step_s: number;
            at: string[];
            accepted_per_s: (number | null)[];
            outbox_rows: (number | null)[];
            outbox_age_s: (number | null)[];
            topic_per_s: {
                [key: string]: (number | null)[];
            };
            group_lag: {
                [key: string]: (number | null)[];
            };
        };
        /** ProblemDetails */
        ProblemDetails: {
            type: string;
            title: string;
            status: number;
            detail: string;
            error: string;
            /** @default [] */
            errors: components["schemas"]["Fault"][];
        };
        /** SkuTotals */
        SkuTotals: {
            item_sku: string;
            orders: number;
            quantity: string;
            amount_cents: string;
        };
        /** Step */
        Step: {
            /** @enum {string} */
            step: "accepted" | "published" | "payment" | "inventory" | "transition" | "notified";
            service: string;
            /** @enum {string} */
            state: "done" | "failed" | "waiting";
            title: string;
            at?: string | null;
            since_previous_ms?: number | null;
            reason?: string | null;
            event_id?: string | null;
            topic?: string | null;
            partition?: number | null;
            offset?: string | null;
            status?: string | null;
            order_version?: number | null;
        };
        /** Summary */
        Summary: {
            totals: components["schemas"]["Totals"];
            per_minute: components["schemas"]["Minute"][];
            top_skus: components["schemas"]["SkuTotals"][];
        };
        /** Timeline */
        Timeline: {
            order: components["schemas"]["Order"];
            final: boolean;
            waiting_for: string | null;
            steps: components["schemas"]["Step"][];
        };
        /** TopicFigures */
        TopicFigures: {
            topic: string;
            per_s: number | null;
            partitions: components["schemas"]["PartitionFigures"][];
        };
        /** Totals */
        Totals: {
            created: number;
            confirmed: number;
            cancelled: number;
            amount_cents: string;
        };
        /**
         * OrderRequest
         * @description The body of `POST /orders`. Of a field given twice the last counts (RFC 8259, section 4).
         */
        OrderRequest: {
            customer_email: string;
            item_sku: string;
            quantity: number;
            amount_cents: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_orders: {
        parameters: {
            query?: {
                /**
                 * @description Orders in this status; given several times: in one of these.
                 * @example [
                 *       "NEW",
                 *       "PROCESSING"
                 *     ]
                 */
                status?: ("NEW" | "PROCESSING" | "CONFIRMED" | "CANCELLED")[];
                /**
                 * @description Orders of exactly this SKU.
                 * @example SKU-1
                 */
                sku?: string;
                /**
                 * @description Orders of exactly this address, in upper or lower case.
                 * @example ada@example.com
                 */
                email?: string;
                /**
                 * @description Orders created at this time (RFC 3339) or later.
                 * @example 2026-01-01T00:00:00Z
                 */
                created_from?: string;
                /**
                 * @description Orders created before this time (RFC 3339).
                 * @example 2026-02-01T00:00:00Z
                 */
                created_to?: string;
                /**
                 * @description How many orders at most.
                 * @example 100
                 */
                limit?: number;
                /** @description Where the page begins: from the `Link` of the page before, with the same filters. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of orders. */
            200: {
                headers: {
                    /** @description The next page (RFC 8288), if there is one: `</orders?…&cursor=…>; rel="next"`. */
                    Link?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example [
                     *       {
                     *         "id": "0198c2a5-7d3e-7c1a-9b43-1f4c6f1d7b2e",
                     *         "customer_email": "ada@example.com",
                     *         "item_sku": "SKU-1",
                     *         "quantity": 2,
                     *         "amount_cents": 4999,
                     *         "status": "CONFIRMED",
                     *         "created_at_utc": "2026-01-02T03:04:05.678901Z",
                     *         "updated_at_utc": "2026-01-02T03:04:05.740113Z",
                     *         "order_version": 2,
                     *         "correlation_id": "0198c2a5-7d3e-7c1a-9b43-1f4c6f1d7b2e",
                     *         "payment_status": "PROCESSED",
                     *         "inventory_status": "RESERVED"
                     *       }
                     *     ]
                     */
                    "application/json": components["schemas"]["Order"][];
                };
            };
            /** @description A parameter is not valid; `errors` names it. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description The order database cannot be asked at the moment. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    create_order: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Makes the request repeatable: a UUID of the client's, new for each order. Double quotes around it are allowed.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
                /**
                 * @description Goes with the order and all of its events; by default the order's id.
                 * @example checkout-4711
                 */
                "X-Correlation-ID"?: string;
                /**
                 * @description W3C Trace Context, version 00 or later. One that is not valid is ignored.
                 * @example 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
                 */
                traceparent?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "customer_email": "ada@example.com",
                 *       "item_sku": "SKU-1",
                 *       "quantity": 2,
                 *       "amount_cents": 4999
                 *     }
                 */
                "application/json": components["schemas"]["OrderRequest"];
            };
        };
        responses: {
            /** @description The order is committed. */
            201: {
                headers: {
                    /** @description Where the order is. */
                    Location?: string;
                    /** @description The trace of the order. */
                    traceparent?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0198c2a5-7d3e-7c1a-9b43-1f4c6f1d7b2e",
                     *       "customer_email": "ada@example.com",
                     *       "item_sku": "SKU-1",
                     *       "quantity": 2,
                     *       "amount_cents": 4999,
                     *       "status": "NEW",
                     *       "created_at_utc": "2026-01-02T03:04:05.678901Z",
                     *       "updated_at_utc": "2026-01-02T03:04:05.678901Z"
                     *     }
                     */
                    "application/json": components["schemas"]["AcceptedOrder"];
                };
            };
            /** @description A header or a field is not valid, or the body is no JSON; `errors` names what is at fault. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description The body is not announced as JSON. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description The Idempotency-Key belongs to another order. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description The order was not taken: too many are waiting, or the database cannot be asked. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description Whether the order was taken is not known; `order_id` is its id. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    count_orders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The counts. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "NEW": 0,
                     *       "PROCESSING": 1,
                     *       "CONFIRMED": 40,
                     *       "CANCELLED": 3
                     *     }
                     */
                    "application/json": components["schemas"]["Counts"];
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description The order database cannot be asked at the moment. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    get_order: {
        parameters: {
            query?: {
                /**
                 * @description Answer once the order is final.
                 * @example final
                 */
                wait?: string;
                /**
                 * @description With `wait`: how many seconds to wait at most, before the order is answered as it stands.
                 * @example 5
                 */
                timeout_s?: number;
            };
            header?: never;
            path: {
                /**
                 * @description The order's id, a UUID.
                 * @example 0198c2a5-7d3e-7c1a-9b43-1f4c6f1d7b2e
                 */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The order. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0198c2a5-7d3e-7c1a-9b43-1f4c6f1d7b2e",
                     *       "customer_email": "ada@example.com",
                     *       "item_sku": "SKU-1",
                     *       "quantity": 2,
                     *       "amount_cents": 4999,
                     *       "status": "CONFIRMED",
                     *       "created_at_utc": "2026-01-02T03:04:05.678901Z",
                     *       "updated_at_utc": "2026-01-02T03:04:05.740113Z",
                     *       "order_version": 2,
                     *       "correlation_id": "0198c2a5-7d3e-7c1a-9b43-1f4c6f1d7b2e",
                     *       "payment_status": "PROCESSED",
                     *       "inventory_status": "RESERVED"
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description A parameter is not valid; `errors` names it. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description There is no order with this id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description The order database cannot be asked at the moment. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    analytics_summary: {
        parameters: {
            query?: {
                /**
                 * @description How many minutes to look back.
                 * @example 60
                 */
                minutes?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The counts. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Summary"];
                };
            };
            /** @description A parameter is not valid; `errors` names it. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description The order database cannot be asked at the moment. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    order_timeline: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The order's id, a UUID.
                 * @example 0198c2a5-7d3e-7c1a-9b43-1f4c6f1d7b2e
                 */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The order and its steps. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Timeline"];
                };
            };
            /** @description There is no order with this id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description The order database cannot be asked at the moment. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    order_events: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The order's id, a UUID.
                 * @example 0198c2a5-7d3e-7c1a-9b43-1f4c6f1d7b2e
                 */
                order_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrderEvents"];
                };
            };
            /** @description There is no order with this id. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description The order database cannot be asked at the moment. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    pipeline: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The figures. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PipelineFigures"];
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    pipeline_history: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The figures by time. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PipelineHistory"];
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    events: {
        parameters: {
            query?: never;
            header?: {
                /** @description The id of the last event seen. */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream of events that stays open. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description A header is not valid. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description Too many streams are open, or the server is about to stop. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    asyncapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    page: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    livez: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example ok */
                    "text/plain": string;
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All are well. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example ok  api      ready
                     *     ok  postgres ready
                     */
                    "text/plain": string;
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
            /** @description At least one is not; its line says so. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The exposition. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example ok */
                    "text/plain": string;
                };
            };
            /** @description A defect of the server; the request may be tried again. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["ProblemDetails"];
                };
            };
        };
    };
}
