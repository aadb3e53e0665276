"""Faults an EA could have: one change of its text each, and the test that must notice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands once in the connector; with `new` in its place, the test `killer` (module:function) fails."""

    name: str
    old: str
    new: str
    killer: str
    arguments: dict[str, Any] = field(default_factory=dict)


TRADING, GUARDS, NETWORK, LIFE, KILLS, SIGNALS, JOURNAL, BARS = (
    f"test_ea_{name}" for name in ("trading", "guards", "network", "lifecycle", "kills", "signals", "journal", "bars")
)

MUTANTS = [
    Mutant(
        "no deduplication",
        "if(journal.Find(command.order_id)>=0)\n     {\n      journal.Repeat(command.order_id,command.lease_id,true);",
        "if(false)\n     {\n      journal.Repeat(command.order_id,command.lease_id,true);",
        f"{LIFE}:test_a_repeated_command_is_answered_with_its_recorded_result",
    ),
    Mutant(
        "a pause after a held call",
        "if(m_body_wait>0 && m_body_wait<delay)",
        "if(false)",
        f"{NETWORK}:test_after_an_order_the_next_one_is_waited_for_at_once",
    ),
    Mutant(
        "a pause after each call",
        "m_due=begun+(ulong)delay;",
        "m_due=GetTickCount64()+(ulong)delay+(begun-begun);",
        f"{NETWORK}:test_a_held_call_follows_the_other_since_orders_come_in_no_pause",
    ),
    Mutant(
        "a pause after what was told",
        "if(m_worked || (m_wait>0 && m_body_wait==0 && !News()))",
        "if(m_worked)",
        f"{NETWORK}:test_after_an_order_the_next_one_is_waited_for_at_once",
    ),
    Mutant(
        "no pause where nothing is acknowledged",
        "if(m_worked || (m_wait>0 && m_body_wait==0 && !News()))",
        "if(m_worked || m_body_wait==0)",
        f"{NETWORK}:test_a_service_that_acknowledges_nothing_is_not_asked_without_a_pause",
    ),
    Mutant(
        "no pause where no call is held",
        "if(m_worked || (m_wait>0 && m_body_wait==0 && !News()))",
        "if(m_worked || (m_body_wait==0 && !News()))",
        f"{NETWORK}:test_without_held_calls_there_is_a_pause_between_calls",
    ),
    Mutant(
        "no intent in the journal",
        "if(!journal.Intent(command,clock.NowSeconds(),(long)TimeCurrent()))",
        "if(false)",
        f"{TRADING}:test_a_market_order_is_sent_once_and_reported_until_acknowledged",
    ),
    Mutant(
        "journal not flushed",
        "   FileFlush(handle);",
        "",
        f"{KILLS}:test_an_order_is_executed_at_most_once_and_its_end_is_told",
        {"point": "after_send"},
    ),
    Mutant(
        "sending not journaled before it happens",
        "if(!journal.Sending(command.order_id,attempt))",
        "if(attempt>1 && !journal.Sending(command.order_id,attempt))",
        f"{KILLS}:test_a_kill_while_sending_is_never_told_as_never_sent",
    ),
    Mutant(
        "terminating zero sent",
        "ArrayResize(data,size-1);",
        "ArrayResize(data,size);",
        f"{TRADING}:test_bodies_are_utf8_json_without_a_zero_at_the_end",
    ),
    Mutant(
        "body in the ANSI code page",
        "StringToCharArray(body,data,0,WHOLE_ARRAY,CP_UTF8)",
        "StringToCharArray(body,data,0,WHOLE_ARRAY,CP_ACP)",
        f"{TRADING}:test_bodies_are_utf8_json_without_a_zero_at_the_end",
    ),
    Mutant(
        "1003 taken for an answer",
        "if(m_status<100 || m_status>599)",
        "if(m_status<100)",
        f"{NETWORK}:test_the_same_bytes_are_sent_until_an_answer_comes",
    ),
    Mutant(
        "a new body although the old one has no answer",
        'if(m_body=="")\n     {\n      Compose(',
        "if(true)\n     {\n      Compose(",
        f"{NETWORK}:test_the_same_bytes_are_sent_again_when_no_answer_came",
    ),
    Mutant(
        "RETURN filling under market execution",
        "if(fok)\n     {\n      modes[count]=ORDER_FILLING_FOK;",
        "if(fok)\n     {\n      modes[count]=ORDER_FILLING_RETURN;",
        f"{TRADING}:test_the_filling_mode_follows_the_flags_of_the_symbol",
        {"flags": 1, "exemode": 2, "first": "ORDER_FILLING_FOK"},
    ),
    Mutant(
        "first filling mode only",
        "if(verdict==RUBI_VERDICT_FILLING && request.action==TRADE_ACTION_DEAL && filling+1<fillings)",
        "if(verdict==RUBI_VERDICT_FILLING && filling+100<fillings)",
        f"{TRADING}:test_a_filling_mode_the_broker_dislikes_after_all_is_replaced",
    ),
    Mutant(
        "raw volume",
        "double rounded=NormalizeDouble(MathFloor(volume/step+0.0000001)*step,8);",
        "double rounded=volume;",
        f"{TRADING}:test_volumes_are_cut_to_the_step_and_never_raised",
    ),
    Mutant(
        "volume rounded up",
        "MathFloor(volume/step+0.0000001)",
        "MathCeil(volume/step-0.0000001)",
        f"{TRADING}:test_volumes_are_cut_to_the_step_and_never_raised",
    ),
    Mutant(
        "small volume raised to the minimum",
        "if(rounded<least-0.00000001)\n      return(0.0);",
        "if(rounded<least-0.00000001)\n      return(least);",
        f"{TRADING}:test_volumes_are_cut_to_the_step_and_never_raised",
    ),
    Mutant(
        "price not on the grid",
        "return(NormalizeDouble(MathRound(price/size)*size,digits));",
        "return(price);",
        f"{TRADING}:test_prices_are_put_on_the_grid_of_ticks",
    ),
    Mutant(
        "ticket printed as %d",
        'return(StringFormat("%I64u",ticket));',
        'return(StringFormat("%d",ticket));',
        f"{TRADING}:test_a_market_order_is_sent_once_and_reported_until_acknowledged",
    ),
    Mutant(
        "ticket cut to 32 bits",
        'return(StringFormat("%I64u",ticket));',
        'return(StringFormat("%I64u",(ulong)(uint)ticket));',
        f"{TRADING}:test_a_market_order_is_sent_once_and_reported_until_acknowledged",
    ),
    Mutant(
        "outbox in memory only",
        "if(!m_file.Append(AddLine(key,body)))\n      return(false);\n   Insert(key,body);",
        "Insert(key,body);",
        f"{LIFE}:test_a_signal_stays_in_the_outbox_until_it_is_acknowledged",
    ),
    Mutant(
        "outbox dropped",
        "if(!outbox.Add(key,Keyed(reader,key)))\n      return(false);",
        "",
        f"{LIFE}:test_a_signal_file_of_a_strategy_is_delivered_once",
    ),
    Mutant(
        "acknowledged signals are kept",
        "   m_file.Append(writer.Text());\n   Drop(index);\n   m_done++;",
        "   m_done++;",
        f"{LIFE}:test_a_signal_file_of_a_strategy_is_delivered_once",
    ),
    Mutant(
        "WebRequest in OnTradeTransaction",
        "void CRubiConnector::OnTransactionEvent(const MqlTradeTransaction &transaction)\n  {",
        "void CRubiConnector::OnTransactionEvent(const MqlTradeTransaction &transaction)\n  {\n   Call();",
        f"{TRADING}:test_a_market_order_is_sent_once_and_reported_until_acknowledged",
    ),
    Mutant(
        "every refusal tried again",
        "default:\n         return(RUBI_VERDICT_REJECTED);",
        "default:\n         return(RUBI_VERDICT_WAIT);",
        f"{TRADING}:test_a_refusal_of_the_broker_is_reported_and_not_repeated",
        {"retcode": 10006},
    ),
    Mutant(
        "an unknown end tried again",
        "case TRADE_RETCODE_CONNECTION:\n         return(RUBI_VERDICT_UNKNOWN);",
        "case TRADE_RETCODE_CONNECTION:\n         return(RUBI_VERDICT_REPRICE);",
        f"{TRADING}:test_an_unknown_end_is_looked_for_at_the_broker_and_never_sent_again",
        {"retcode": 10012},
    ),
    Mutant(
        "an unknown end taken for a refusal",
        "case TRADE_RETCODE_CONNECTION:\n         return(RUBI_VERDICT_UNKNOWN);",
        "case TRADE_RETCODE_CONNECTION:\n         return(RUBI_VERDICT_REJECTED);",
        f"{TRADING}:test_an_unknown_end_is_looked_for_at_the_broker_and_never_sent_again",
        {"retcode": 10012},
    ),
    Mutant(
        "requotes without end",
        "#define RUBI_PRICE_RETRIES       2",
        "#define RUBI_PRICE_RETRIES       20",
        f"{TRADING}:test_requotes_end_after_two_repetitions",
    ),
    Mutant(
        "requotes not tried again",
        "#define RUBI_PRICE_RETRIES       2",
        "#define RUBI_PRICE_RETRIES       0",
        f"{TRADING}:test_a_requote_is_tried_again_with_a_fresh_price",
        {"retcode": 10004},
    ),
    Mutant(
        "deadline ignored",
        "if(command.not_after>0 && clock.NowMs()>command.not_after*1000)",
        "if(false)",
        f"{GUARDS}:test_a_command_after_its_deadline_is_refused",
    ),
    Mutant(
        "lease ignored",
        "(command.lease_expires>0 && now>=command.lease_expires*1000)",
        "(command.lease_expires<0 && now>=command.lease_expires*1000)",
        f"{GUARDS}:test_a_command_whose_lease_is_over_is_left_alone",
    ),
    Mutant(
        "sha256 ignored",
        "if(!genuine)",
        "if(false)",
        f"{GUARDS}:test_a_command_that_was_changed_on_the_way_is_refused",
    ),
    Mutant(
        "stop checked on the wrong side",
        "buy ? reference-sl : sl-reference",
        "buy ? sl-reference : reference-sl",
        f"{GUARDS}:test_a_stop_on_the_wrong_side_is_refused",
    ),
    Mutant(
        "number of positions ignored",
        "if(command.reduce_only || taken<m_positions)",
        "if(command.reduce_only || taken<m_positions+1000)",
        f"{GUARDS}:test_the_own_number_of_positions_is_a_limit",
    ),
    Mutant(
        "real accounts traded",
        "if(CRubiAccount::Real() && (m_demo_only || (m_demo_service && !RubiReduces(command.kind))))\n"
        '      return("DEMO_ONLY");',
        "",
        f"{GUARDS}:test_a_real_account_is_not_traded_by_default",
    ),
    Mutant(
        "permissions ignored",
        'if(block!="")\n      return(block);',
        "",
        f"{GUARDS}:test_a_missing_permission_is_told_and_nothing_is_sent",
        {"flag": "mql_trade_allowed"},
    ),
    Mutant(
        "risk ignored",
        "if(-profit>equity*m_risk/100.0+0.005)",
        "if(-profit>equity*m_risk+0.005)",
        f"{GUARDS}:test_a_risk_beyond_the_own_limit_is_refused",
    ),
    Mutant(
        "empty lists told without a connection",
        "if(connected && books && m_strip<2)\n     {\n      string taken_at",
        "if(books && m_strip<2)\n     {\n      string taken_at",
        f"{GUARDS}:test_a_lost_connection_is_told_without_lists",
    ),
    Mutant(
        "deals from transactions only",
        "#define RUBI_HISTORY_MS          30000",
        "#define RUBI_HISTORY_MS          30000000",
        f"{LIFE}:test_deals_arrive_whatever_happens_to_transactions",
        {"mode": "drop"},
    ),
    Mutant(
        "no lock between charts",
        "if(!m_instance.Take())",
        'if(m_instance.Id()=="")',
        f"{LIFE}:test_two_charts_of_one_terminal_do_not_both_work",
    ),
    Mutant(
        "no pause after a failure",
        "Later(delay/2+delay*MathRand()/65534);",
        "Later(delay-delay);",
        f"{NETWORK}:test_failures_are_answered_with_growing_pauses",
    ),
    Mutant(
        "the same alert for every call",
        "         m_told=true;\n         return(RUBI_HTTP_NOT_ALLOWED);",
        "         return(RUBI_HTTP_NOT_ALLOWED);",
        f"{NETWORK}:test_a_url_that_is_not_allowed_is_named_once",
    ),
    Mutant(
        "Retry-After ignored",
        "if(m_http.RetryAfterMs()>0)",
        "if(m_http.RetryAfterMs()<0)",
        f"{NETWORK}:test_retry_after_is_respected",
    ),
    Mutant(
        "newest position closed first",
        "while(at>0 && opened[at-1]>time)",
        "while(at>0 && opened[at-1]<time)",
        f"{TRADING}:test_close_all_closes_the_oldest_first",
    ),
    Mutant(
        "signature of something else",
        "RubiHmacHex(m_secret,body)",
        "RubiHmacHex(m_secret,m_url)",
        f"{NETWORK}:test_the_signature_covers_the_bytes_that_were_sent",
    ),
    Mutant(
        "sequence stands still",
        "   m_seq++;\n",
        "",
        f"{TRADING}:test_the_connector_connects_and_tells_everything_of_a_cycle",
    ),
    Mutant(
        "a poisoned signal is sent again and again",
        "return(m_probe ? 1 : 0);",
        "return(1);",
        f"{SIGNALS}:test_orders_are_carried_out_while_a_poisoned_signal_is_looked_for",
    ),
    Mutant(
        "a refused signal is kept",
        'm_outbox.SetAside(0,"the service cannot read it");',
        'm_outbox.SetAside(-1,"the service cannot read it");',
        f"{SIGNALS}:test_a_signal_that_the_service_refuses_is_found_and_the_rest_goes_on",
        {"status": 422},
    ),
    Mutant(
        "a signal is dropped for a fault of the service",
        "            Discard(false);",
        "            Discard(true);",
        f"{SIGNALS}:test_a_signal_is_not_set_aside_for_what_is_wrong_with_the_service",
    ),
    Mutant(
        "signals that no service could read are taken",
        "if(!reader.Sound())",
        "if(false)",
        f"{SIGNALS}:test_a_signal_that_no_service_could_read_is_set_aside",
        {"member": '"volume":1e999'},
    ),
    Mutant(
        "long keys are sent as they are",
        "if(StringLen(name)<=RUBI_KEY_LETTERS)",
        "if(StringLen(name)<=RUBI_KEY_LETTERS*100)",
        f"{SIGNALS}:test_a_long_file_name_is_a_key_too",
    ),
    Mutant(
        "the key stands in a signal twice",
        'if(reader.Key(node)!="key")',
        'if(reader.Key(node)!="")',
        f"{SIGNALS}:test_every_key_becomes_one_that_the_service_acknowledges",
        {"key": ""},
    ),
    Mutant(
        "an old key that is never acknowledged stays",
        'if(m_keys[i]=="" || StringLen(m_keys[i])>RUBI_KEY_LETTERS)',
        'if(m_keys[i]=="")',
        f"{SIGNALS}:test_an_old_outbox_with_a_key_that_is_never_acknowledged_does_not_stand_still",
    ),
    Mutant(
        "quotes wait for their symbol",
        "!CRubiRules::ReadyNow(symbol) || !CRubiRules::Quote",
        "!CRubiRules::Ready(symbol) || !CRubiRules::Quote",
        f"{SIGNALS}:test_quotes_of_a_symbol_that_is_not_there_do_not_hold_orders_up",
    ),
    Mutant(
        "side ignored when all is closed",
        'return(side=="" || side==(buy ? "BUY" : "SELL"));',
        'return(side!="?" || buy);',
        f"{TRADING}:test_closing_all_of_one_side_leaves_the_other",
        {"side": "BUY", "left": "SELL"},
    ),
    Mutant(
        "a deal without details stops the rest",
        "         m_deals.Skip(written);",
        "         break;",
        f"{TRADING}:test_a_deal_without_details_does_not_hold_up_the_later_ones",
    ),
    Mutant(
        "checked without a filling mode",
        "   request.type_filling=modes[0];\n   string code=guard.Fresh",
        "   string code=guard.Fresh",
        f"{TRADING}:test_what_is_sent_has_passed_the_check_of_the_broker",
    ),
    Mutant(
        "a dry run does not ask the broker",
        "code=Rehearsed(command,request);",
        'code="DRY_RUN";',
        f"{GUARDS}:test_a_dry_run_asks_the_broker_whether_it_would_have_taken_it",
    ),
    Mutant(
        "half a line swallows the next",
        "if(m_torn)\n      text",
        "if(false)\n      text",
        f"{JOURNAL}:test_half_a_line_of_a_full_disk_swallows_no_later_one",
        {"left": 40},
    ),
    Mutant(
        "the only journal that is left is not looked at",
        "if(!Rescue())",
        "if(m_torn)",
        f"{JOURNAL}:test_a_crash_between_the_two_moves_of_a_compaction_forgets_nothing",
    ),
    Mutant(
        "a damaged line proves that nothing was sent",
        "m_entries[k].doubtful=true;",
        "m_entries[k].doubtful=false;",
        f"{JOURNAL}:test_a_damaged_line_casts_doubt_on_what_was_and_not_on_what_comes",
    ),
    Mutant(
        "the last session in memory only",
        "return(m_file.Append(writer.Text()) && Apply(writer.Text()));",
        "return(Apply(writer.Text()));",
        f"{JOURNAL}:test_a_terminal_names_the_session_that_it_had_last",
    ),
    Mutant(
        "the session is kept after its first cycle",
        "   m_journal.Session(m_session);\n   m_seq++;",
        "   if(m_seq>0)\n      m_journal.Session(m_session);\n   m_seq++;",
        f"{JOURNAL}:test_the_session_is_on_disk_before_its_first_cycle",
    ),
    Mutant(
        "the last session is not told",
        'writer.PutTextOrNull("last_session_id",m_journal.LastSession());',
        'writer.PutTextOrNull("last_session_id","");',
        f"{JOURNAL}:test_a_terminal_names_the_session_that_it_had_last",
    ),
    Mutant(
        "a close takes the deal of another close",
        "if(journal.Claimed((ulong)HistoryDealGetInteger(deal,DEAL_ORDER),deal,entry.order_id))",
        "if(false)",
        f"{JOURNAL}:test_two_closes_of_one_position_do_not_take_each_others_deal",
    ),
    Mutant(
        "waits for the right answer for ever",
        '         EndSession();\n      BackOff("An answer came',
        '         m_worked=false;\n      BackOff("An answer came',
        f"{JOURNAL}:test_an_answer_to_another_question_is_not_waited_for_for_ever",
    ),
    Mutant(
        "the newest bar only",
        "return(CopyRates(name,frame,(datetime)from,(datetime)until,rates));",
        "return(CopyRates(name,frame,(datetime)until,(datetime)until,rates));",
        f"{BARS}:test_a_gap_of_forty_minutes_is_filled",
    ),
    Mutant(
        "bars begin anew at each session",
        "long last=reader.LongOf(child,RubiTimeframeName(m_frames[k]));",
        "long last=0;",
        f"{BARS}:test_a_lost_session_goes_on_from_where_the_service_has_got_to",
    ),
]
